namespace Comet.AspNetCore;

/// <summary>
/// How feeds are kept in RabbitMQ streams. Bound from <c>Comet:RabbitMQ</c> and checked at start; the address of the broker is the
/// connection string <c>RabbitMQ</c>.
/// </summary>
public sealed class RabbitMQStoreOptions
{
    /// <summary>
    /// <c>amqp://user:password@host:5672/vhost</c>, or <c>amqps://</c> for TLS; the nodes of a cluster are separated by commas, and the
    /// first names user, password and virtual host for all. Never logged. Default: <c>ConnectionStrings:RabbitMQ</c>.
    /// </summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>A PEM file with the certificate authority that signed the broker's certificate. Default null: the system's authorities.</summary>
    public string? CertificateAuthority { get; set; }

    /// <summary>
    /// Streams are named <c>prefix.feed</c>, those of a family <c>prefix.family:partition</c>. 1 to 64 letters, digits, dots, dashes and
    /// underscores; apps that share a broker need different ones. Default <c>comet</c>.
    /// </summary>
    public string Prefix { get; set; } = "comet";

    /// <summary>
    /// Over how many streams the feeds of each family are spread, 1 to 1,024. All servers must agree; a change moves feeds to other
    /// streams, where they begin anew. Default 4.
    /// </summary>
    public int Partitions { get; set; } = 4;

    /// <summary>
    /// How many bytes each stream of a family keeps at least, whatever its age, in all its feeds together. Whoever asks for all that is
    /// kept of one feed has the whole stream searched, so more <see cref="Partitions"/> are better than larger ones. Default 128 MiB.
    /// </summary>
    public long PartitionBytes { get; set; } = 128L << 20;

    /// <summary>How many bytes of each stream's newest messages a server holds in memory for clients that come back. Default 16 MiB.</summary>
    public long RecentBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// How long publishing, opening and reading back wait for the broker before they fail; a search for old messages may take six times
    /// as long. Default 5 seconds.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A broker that is silent for three to four times this long is taken for dead. 1 to 60 seconds. Default 5.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);
}
