# Makes system calls and tells the errno of each, 0 for none: each argument of this program is one,
# its number and its arguments with commas between: numbers, "s:" and a text, "b:" and so many bytes
# of zero. A first argument "terminal" makes its standard input a terminal, its own, before.
use strict;

$SIG{TTOU} = 'IGNORE';
for my $call (@ARGV) {
  my ($number, @arguments) = split /,/, $call;
  my @values = map {
    /^s:(.*)/ ? "$1" : /^b:(\d+)/ ? "\0" x $1 : $_ + 0
  } @arguments;
  my $result = syscall($number + 0, @values);
  print $result == -1 ? $! + 0 : 0, "\n";
}
