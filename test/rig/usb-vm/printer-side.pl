# The printer behind a gadget: what comes in on its device file is appended to a file, ESC/POS real-time questions are
# answered, and the port status is the number in a third file, looked at on SIGUSR1. Perl, for the ioctl of g_printer.
use strict;
my ($device, $received, $status) = @ARGV;
open(my $port, "+<", $device) or die "$device: $!";
open(my $out, ">>", $received) or die "$received: $!";
$out->autoflush(1);
# GADGET_SET_PRINTER_STATUS of linux/usb/g_printer.h: _IOWR('g', 0x22, unsigned char), its argument by value.
sub tell_status { open(my $file, "<", $status) or return; my $byte = <$file>; ioctl($port, 0xC0016722, $byte + 0); }
$SIG{USR1} = \&tell_status;
tell_status();
while (1) {
  my $read = sysread($port, my $bytes, 4096);
  next unless $read;
  # A print head is no disk: what is printed takes its time.
  select(undef, undef, undef, 0.02) if $read > 64;
  while ($bytes =~ s/\x10\x04[\x01-\x04]//) { syswrite($port, "\x12"); }
  print $out $bytes;
}
