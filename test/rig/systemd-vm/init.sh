#!/bin/busybox sh
# The first program of the guest, until Debian's own systemd takes its place: a root of another machine's files, read-only,
# under what the guest writes, which is kept in memory.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done
mkdir /written /machine
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /host
mount -t tmpfs -o size=80% none /written
mkdir /written/upper /written/aside
mount -t overlay -o lowerdir=/host,upperdir=/written/upper,workdir=/written/aside overlay /machine

# What the machine's own services would start, mount and keep is not wanted here, and this is no container.
for folder in tmp var/tmp var/log; do mount -t tmpfs -o mode=755 none "/machine/$folder"; done
chmod 1777 /machine/tmp /machine/var/tmp
: >/machine/etc/fstab
echo guest >/machine/etc/hostname
rm -f /machine/.dockerenv
mkdir -p /machine/etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/machine/etc/systemd/journald.conf.d/guest.conf

units=/machine/etc/systemd/system
# There is no hardware, no keyboard and no clock of others; enumerating takes longer than all the rest.
for name in systemd-udevd systemd-udev-trigger systemd-hwdb-update systemd-modules-load systemd-binfmt systemd-pstore \
  systemd-machine-id-commit systemd-journal-flush systemd-random-seed systemd-update-utmp systemd-timesyncd \
  keyboard-setup apparmor; do
  ln -s /dev/null "$units/$name.service"
done
cat >"$units/guest.target" <<'END'
[Unit]
Requires=basic.target
After=basic.target
Wants=guest-commands.service
END
cat >"$units/guest-commands.service" <<'END'
[Unit]
After=basic.target
[Service]
ExecStart=/bin/sh /etc/systemd/system/guest-commands.sh
END
cp /commands.sh "$units/guest-commands.sh"

umount /proc /sys
exec switch_root /machine /lib/systemd/systemd
