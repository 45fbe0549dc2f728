// What a container engine asks of the collector's container, which has no curl: ends with 0 when /healthz says 200.
//   node healthy.mjs [URL]      default: port 8080 of this container, with TLS or without
// Plain JavaScript without a dependency: it is started twice a minute.
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

/** Less than the time that the Containerfile gives: the reason is to be read. */
const ANSWER_MS_MAX = 8_000;
const TEXT_BYTES_MAX = 4_096;

/** @returns {Promise<{ status: number, text: string }>} */
function ask(url) {
  return new Promise((resolve, reject) => {
    const get = url.startsWith("https:") ? getHttps : getHttp;
    // On loopback there is nobody between: the certificate is for the names that others use.
    const options = { rejectUnauthorized: false, agent: false, timeout: ANSWER_MS_MAX };
    const request = get(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text = (text + chunk).slice(0, TEXT_BYTES_MAX);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${ANSWER_MS_MAX / 1_000} s`)));
    request.on("error", reject);
  });
}

const HERE = "127.0.0.1:8080/healthz";
const isNoTls = (error) => error.code === "ERR_SSL_WRONG_VERSION_NUMBER" || error.code === "EPROTO";

async function askHere() {
  try {
    return await ask(`https://${HERE}`);
  } catch (error) {
    if (!isNoTls(error)) throw error;
    return ask(`http://${HERE}`);
  }
}

try {
  const [url] = process.argv.slice(2);
  const { status, text } = await (url === undefined ? askHere() : ask(url));
  process.stdout.write(`${status} ${text}\n`);
  process.exitCode = status === 200 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error.message}\n`);
  process.exitCode = 1;
}
