# Stands in for Toxiproxy where its image cannot be had: GET /version, and POST /proxies, whose links it forwards.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Select;

$SIG{CHLD} = 'IGNORE';
$| = 1;

sub forward {
    my ($listen, $upstream) = @_;
    my $server = IO::Socket::INET->new(LocalAddr => $listen, Listen => 5, ReuseAddr => 1) or die "listen $listen: $!";
    return if fork;
    while (my $client = $server->accept) {
        next if fork;
        my $broker = IO::Socket::INET->new($upstream) or die "connect $upstream: $@";
        my %peer = ($client => $broker, $broker => $client);
        my $both = IO::Select->new($client, $broker);
        while (my @ready = $both->can_read) {
            for my $from (@ready) {
                exit unless sysread($from, my $bytes, 65536);
                syswrite($peer{$from}, $bytes);
            }
        }
    }
}

my $api = IO::Socket::INET->new(LocalAddr => '0.0.0.0:8474', Listen => 5, ReuseAddr => 1) or die "listen: $!";
print "stand-in listens\n";
while (my $client = $api->accept) {
    my ($head, $length) = (scalar <$client>, 0);
    while (defined(my $line = <$client>)) {
        $length = $1 if $line =~ /^content-length: *(\d+)/i;
        last if $line =~ /^\r?\n$/;
    }
    read($client, my $body, $length);
    if ($head =~ m{^POST /proxies }) {
        my ($listen) = $body =~ /"listen" *: *"([^"]+)"/;
        my ($upstream) = $body =~ /"upstream" *: *"([^"]+)"/;
        forward($listen, $upstream);
    }
    my $answer = '{"version":"2.12.0"}';
    $length = length $answer;
    print $client "HTTP/1.1 200 OK\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$answer";
    close $client;
}
