using System.ComponentModel;
using Comet.AspNetCore.Options;

namespace Comet.AspNetCore;

/// <summary>
/// How feeds are kept in RabbitMQ streams. The values come from the section <c>Comet:RabbitMQ</c> of the configuration and are checked when
/// the app starts.
/// </summary>
public sealed class RabbitMQStoreOptions
{
    // Each is a consumer of every server, and a process in the broker.
    internal static readonly SettingRange<int> PartitionsRange = new(1, 1024, "RabbitMQ streams");

    // RabbitMQ removes whole segments, the smallest of which has 1 MiB.
    internal static readonly SettingRange<long> PartitionBytesRange = new(1 << 20, 1L << 40, "bytes");
    internal static readonly SettingRange<long> RecentBytesRange = new(0, 1L << 32, "bytes");
    internal static readonly SettingRange<TimeSpan> TimeoutRange = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
    internal static readonly SettingRange<TimeSpan> HeartbeatRange = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    /// <summary>
    /// The broker's address, <c>ConnectionStrings:RabbitMQ</c> in the configuration: <c>amqp://user:password@host:5672/vhost</c>, or
    /// <c>amqps://</c> for TLS. The nodes of a cluster are separated by commas; the first names user, password and virtual host for all.
    /// It is never logged and never part of an exception. Required; no default.
    /// </summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>
    /// <c>Comet:RabbitMQ:CertificateAuthority</c>: the path of a PEM file with the certificates of the authority that signed the broker's
    /// certificate. Default null, which an empty value stands for, too: the authorities that the system trusts.
    /// </summary>
    [DefaultValue(null)]
    public string? CertificateAuthority { get; set; }

    /// <summary>
    /// <c>Comet:RabbitMQ:Prefix</c>: begins the names of all RabbitMQ streams. A feed's is named <c>prefix.feed</c>, those of a family
    /// <c>prefix.family:partition</c>. 1 to 64 letters, digits, dots, dashes and underscores, so that names stay below RabbitMQ's limit of
    /// 255 bytes; apps that share a broker need different ones. Default <c>comet</c>.
    /// </summary>
    public string Prefix { get; set; } = "comet";

    /// <summary>
    /// <c>Comet:RabbitMQ:Partitions</c>: the number of RabbitMQ streams over which the feeds of each family are spread, 1 to 1,024. All
    /// servers must agree. A change moves most feeds to another RabbitMQ stream, where they begin anew. Default 4.
    /// </summary>
    public int Partitions { get; set; } = 4;

    /// <summary>
    /// <c>Comet:RabbitMQ:PartitionBytes</c>: the bytes that each RabbitMQ stream of a family keeps for all its feeds together, 1 MiB to
    /// 1 TiB; older messages are removed even if retention still covers them. It takes effect when a RabbitMQ stream is first declared.
    /// A reader who asks for everything that is kept of one feed reads the whole RabbitMQ stream, so more <see cref="Partitions"/> are
    /// better than larger ones. Default 128 MiB.
    /// </summary>
    public long PartitionBytes { get; set; } = 128L << 20;

    /// <summary>
    /// <c>Comet:RabbitMQ:RecentBytes</c>: the bytes of memory that a server uses of each RabbitMQ stream for clients that come back, 0 to
    /// 4 GiB: for the newest messages, 128 bytes and their payload each, and, up to a quarter, for where the feeds have older ones, which
    /// are read from the broker: 8 to 16 bytes for each feed among 4,096 messages. Default 16 MiB.
    /// </summary>
    public long RecentBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// <c>Comet:RabbitMQ:Timeout</c>: how long publishing, opening and reading wait for the broker before they fail with
    /// <see cref="FeedUnavailableException"/>, 0.1 seconds to 5 minutes; a reader of old messages waits six times as long, and
    /// one that comes again goes on where the reading has got to. Default 5 seconds.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// <c>Comet:RabbitMQ:Heartbeat</c>: the heartbeat interval of the connection, 1 to 60 seconds. A broker that is silent for three to
    /// four times as long counts as dead. Default 5 seconds: a dead broker is noticed within 20.
    /// </summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);
}
