/**
 * What dpkg runs while a package is installed, upgraded and removed (Debian Policy 6). Each may run again after any
 * interruption; on a machine that was not booted by systemd (a container, an image) nothing is started.
 */
export type Maintained = {
  readonly unit: string;
  readonly user: string;
  /** Groups of Debian's base system that the user joins. */
  readonly groups: readonly string[];
  /** What the service writes, gone with a purge; its first is the user's home. */
  readonly folders: readonly string[];
  /** Files in /etc/aislewatch that a person made, not dpkg: gone with a purge. */
  readonly secrets: readonly string[];
};

const HEAD = "#!/bin/sh\nset -e\n";

export function maintainerScripts({ unit, user, groups, folders, secrets }: Maintained) {
  const join = groups.map((group) => `  adduser --quiet ${user} ${group} || true\n`).join("");
  const own = secrets
    .map((file) => `  if [ -e ${file} ]; then chown root:${user} ${file}; chmod 0640 ${file}; fi\n`)
    .join("");
  const [home = "/nonexistent"] = folders;
  return {
    postinst: `${HEAD}
if [ "$1" = configure ]; then
  if ! getent passwd ${user} >/dev/null; then
    adduser --quiet --system --group --no-create-home --home ${home} --gecos Aislewatch ${user}
  fi
${join}${own}fi

case "$1" in configure|abort-upgrade|abort-deconfigure|abort-remove)
  deb-systemd-helper unmask ${unit} >/dev/null || true
  if deb-systemd-helper --quiet was-enabled ${unit}; then
    deb-systemd-helper enable ${unit} >/dev/null || true
  else
    deb-systemd-helper update-state ${unit} >/dev/null || true
  fi
  if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    udevadm control --reload >/dev/null 2>&1 || true
    if [ -n "$2" ]; then deb-systemd-invoke restart ${unit} >/dev/null || true
    else deb-systemd-invoke start ${unit} >/dev/null || true; fi
  fi
;; esac
`,
    prerm: `${HEAD}
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop ${unit} >/dev/null || true
fi
`,
    postrm: `${HEAD}
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
  deb-systemd-helper mask ${unit} >/dev/null || true
fi
if [ "$1" = purge ]; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge ${unit} >/dev/null || true
    deb-systemd-helper unmask ${unit} >/dev/null || true
  fi
  rm -rf ${folders.join(" ")}
${secrets.map((file) => `  rm -f ${file}\n`).join("")}  if [ -d /etc/aislewatch ]; then rmdir --ignore-fail-on-non-empty /etc/aislewatch; fi
  if getent passwd ${user} >/dev/null && command -v deluser >/dev/null; then deluser --quiet --system ${user} || true; fi
fi
`,
  };
}
