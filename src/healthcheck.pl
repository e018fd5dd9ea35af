# Does the same as healthcheck.ts in less than a tenth of its memory and time, because HEALTHCHECK and exec probes run
# every few seconds. It cannot do TLS, so it runs healthcheck.ts for that.
use strict;
use Socket qw(AF_UNIX SOCK_STREAM getaddrinfo pack_sockaddr_un);

# An empty variable counts as not set.
sub setting {
    my ($name, $default) = @_;
    return defined $ENV{$name} && $ENV{$name} ne '' ? $ENV{$name} : $default;
}

my %everywhere = ('0.0.0.0' => '127.0.0.1', '::' => '::1');

my $port = setting('PORT', '27315');
my $path = setting('SOCKET_PATH', undef);
my $host = setting('HOST', 'localhost');
$host =~ s/^\[(.*)\]$/$1/;
$host = $everywhere{$host} if exists $everywhere{$host};

exec 'node', 'src/healthcheck.ts' if $port ne 'none' && defined setting('TLS_CERT_FILE', undef);

sub is_ready {
    my ($family, $address) = @_;
    my ($socket, $head);
    socket($socket, $family, SOCK_STREAM, 0) && connect($socket, $address) or return 0;
    syswrite $socket, "GET /readyz HTTP/1.0\r\n\r\n";
    sysread $socket, $head, 64;
    return defined $head && $head =~ m{^HTTP/1\.1 200 };
}

# A name may have several addresses. The server listens on those that the machine has, so one must be ready.
sub is_ready_by_name {
    my ($error, @found) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
    return grep { is_ready($_->{family}, $_->{addr}) } @found;
}

exit 1 if $port ne 'none' && !is_ready_by_name();
exit 1 if defined $path && !is_ready(AF_UNIX, pack_sockaddr_un($path));
exit 0;
