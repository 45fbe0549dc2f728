# The HID device behind a gadget of FunctionFS, which f_hid of Debian 12's kernel can't be: it answers GET_REPORT. Reports
# are lines of a file, `feature 7 0764` (type, id, all bytes as hex), read anew at each question; what is not in it is
# refused (a stall). linux/usb/functionfs.h has the messages, HID 1.11 (6.2.1, 7.2.1) the descriptor and the requests.
use strict;
my ($folder, $descriptor_hex, $reports) = @ARGV;
my $descriptor = pack("H*", $descriptor_hex);
my $hid = pack("C2 v C3 v", 9, 0x21, 0x0111, 0, 1, 0x22, length $descriptor);
my $function = join "",
  pack("C9", 9, 4, 0, 0, 1, 3, 0, 0, 0), # one interface of class 3, one endpoint
  $hid,
  pack("C4 v C", 7, 5, 0x81, 3, 64, 4); # interrupt in
open(my $ep0, "+<", "$folder/ep0") or die "$folder/ep0: $!";
# Full and high speed alike: three descriptors each.
my $body = pack("V2", 3, 3) . $function . $function;
sub tell_kernel { defined syswrite($ep0, $_[0]) or die "$folder/ep0: $!"; }
tell_kernel(pack("V3", 3, 12 + length $body, 1 | 2) . $body);
tell_kernel(pack("V4", 2, 16, 0, 0)); # no strings

sub report {
  my ($type, $id) = @_;
  open(my $file, "<", $reports) or return undef;
  while (<$file>) { return pack("H*", $3) if /^(input|feature) (\d+) ([0-9a-f]*)$/ && $1 eq $type && $2 == $id; }
  return undef;
}

while (1) {
  my $read = sysread($ep0, my $events, 12 * 4);
  next unless $read;
  while ($events =~ /(.{12})/gs) {
    my ($to, $request, $low, $high, $index, $length, $event) = unpack("C4 v2 C", $1);
    next unless $event == 4; # a question; all others are news of the cable
    my $answer;
    $answer = $high == 0x22 ? $descriptor : $high == 0x21 ? $hid : undef if $to == 0x81 && $request == 6;
    $answer = report($high == 3 ? "feature" : "input", $low) if $to == 0xa1 && $request == 1;
    # Reading where the device is to write is how FunctionFS refuses; where it is to read, it takes what came.
    if (defined $answer) { syswrite($ep0, substr($answer, 0, $length)); }
    else { sysread($ep0, my $nothing, $to & 0x80 ? 0 : $length); }
  }
}
