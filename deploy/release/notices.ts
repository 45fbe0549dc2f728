/** What of others is in a release: their licences as text for people, and a bill of materials (CycloneDX 1.5) for programs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOf, type LockedPackage } from "./packages.ts";

/** A licence's text; some packages have none and name one. */
async function licenceOf(one: LockedPackage): Promise<string> {
  const folder = await folderOf(one);
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  const texts = files.sort().map((name) => readFileSync(join(folder, name), "utf8").trim());
  return texts.length === 0 ? `(no text in the package; its manifest says ${one.license})` : texts.join("\n\n");
}

export async function notices(packages: readonly LockedPackage[]): Promise<string> {
  const parts = ["Aislewatch contains the following packages of others, each under its own licence.\n"];
  for (const one of packages) {
    parts.push(`${"=".repeat(78)}\n${one.name} ${one.version} (${one.license})\n\n${await licenceOf(one)}\n`);
  }
  return parts.join("\n");
}

type Product = { readonly name: string; readonly version: string; readonly timestamp: string };

/** https://cyclonedx.org/docs/1.5/json/ */
export function billOfMaterials({ name, version, timestamp }: Product, packages: readonly LockedPackage[]): string {
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp,
      component: { type: "application", name, version, licenses: [{ license: { id: "Apache-2.0" } }] },
    },
    components: packages.map((one) => ({
      type: "library",
      "bom-ref": purl(one),
      name: one.name,
      version: one.version,
      purl: purl(one),
      licenses: [{ expression: one.license }],
      // Of the archive in the registry, not of the files here.
      hashes: [
        { alg: "SHA-512", content: Buffer.from(one.integrity.replace("sha512-", ""), "base64").toString("hex") },
      ],
    })),
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

const purl = ({ name, version }: LockedPackage): string => `pkg:npm/${name.replace("@", "%40")}@${version}`;
