#!/bin/busybox sh
# The first program of the guest. It loads what its kernel was not built with, makes the host's files (read-only) a root
# for Node with the guest's own /sys, /dev and /proc in it, and then does what comes in on the second serial port: a line
# is `number base64(command)`, its answer `number exit-code base64(output)`.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for module in $(cat /modules/order); do
  case "$module" in
    dummy_hcd.ko) insmod "/modules/$module" "num=$(cat /modules/ports)" ;;
    *) insmod "/modules/$module" ;;
  esac
done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /host
mount --bind /dev /host/dev
mount --bind /sys /host/sys
mount --bind /proc /host/proc
mount -t tmpfs none /host/mnt
# User-mode networking has the host at this address; an agent may talk without TLS to this name only.
echo "10.0.2.2 localhost" >/etc/hosts
mount --bind /etc/hosts /host/etc/hosts
mount -t configfs none /sys/kernel/config
mkdir /dev/pts && mount -t devpts none /dev/pts

# Held open: what comes while nobody has the port open would be lost.
exec 3<>/dev/ttyS1
stty raw -echo <&3
echo "0 0 " >&3
while read -r number command <&3; do
  output=$(sh -c "$(echo "$command" | base64 -d)" 2>&1 </dev/null 3<&-)
  code=$?
  echo "$number $code $(printf '%s' "$output" | base64 | tr -d '\n')" >&3
done
