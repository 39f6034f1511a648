using Comet.AspNetCore.Options;

namespace Comet.AspNetCore;

/// <summary>
/// How this server streams. Code gives the app's defaults, in <see cref="CometServiceCollectionExtensions.AddComet"/>; the section
/// <c>Comet</c> of the configuration has the last word. Read and checked once, at start: a value outside its range stops the app with a
/// message that names the key.
/// </summary>
/// <remarks>
/// In the configuration, <c>null</c> and an empty value mean null, which is for <see cref="MaxAge"/>, <see cref="MaxBytes"/> and the
/// limits of streams only; for every other setting they are refused. Times are written <c>00:00:15</c> or <c>7.00:00:00</c> (seven days).
/// What .NET would read as days without a day being named, <c>24:00:00</c> or <c>24</c>, is refused.
/// </remarks>
public sealed class CometOptions
{
    // Less than 1,024 does not make Firefox and WebKit begin; more than 64 KiB is a page, not padding.
    internal static readonly SettingRange<int> PaddingRange = new(1024, 65_536, "bytes");

    // Deadlines are checked four times a second. No known proxy keeps a quiet connection for more than an hour.
    internal static readonly SettingRange<TimeSpan> HeartbeatRange = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
    internal static readonly SettingRange<TimeSpan> WriteTimeoutRange = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));

    // Below a second, clients would do nothing but reconnect.
    internal static readonly SettingRange<TimeSpan> MaxAgeRange = new(TimeSpan.FromSeconds(1), TimeSpan.FromDays(365), Absence: "no limit");

    // Zero would bring all clients back at the same moment; above an hour, a page would seem broken.
    internal static readonly SettingRange<TimeSpan> ReconnectSpreadRange = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    internal static readonly SettingRange<TimeSpan> DrainRange = new(TimeSpan.Zero, TimeSpan.FromHours(1));
    internal static readonly SettingRange<long> LimitRange = new(1, Absence: "no limit");

    /// <summary>
    /// Bytes of white space before the first script, 1,024 to 65,536. Default 1,024: Firefox and WebKit run scripts of a partial document
    /// only after their first 512 to 1,024 bytes, and some proxies forward nothing smaller.
    /// </summary>
    public int Padding { get; set; } = 1024;

    /// <summary>
    /// A quiet stream sends a heartbeat this often, 250 ms to one hour. Default 15 s: below the 30 s after which Firefox and the 60 s after
    /// which nginx give up. With <c>UseCometTransport</c>, a peer that does not answer for three of these is given up.
    /// </summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A connection that has something to take, and takes nothing of it for this long, is cut; 250 ms to one hour. Default 10 s: longer
    /// than a phone needs to change its network, and short enough that the memory of a lost client is soon free.
    /// </summary>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A stream older than this ends with the reason <c>recycled</c>, and its client comes back; one second to 365 days. Default null:
    /// never, as nothing of a stream grows with its age on the server.
    /// </summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>
    /// A stream that sent more bytes of body than this, at least 1, ends with the reason <c>recycled</c>, and its client comes back.
    /// Default null: never.
    /// </summary>
    public long? MaxBytes { get; set; }

    /// <summary>
    /// Clients of a stream that ends are told to come back after a random time up to this, so that a restart is no stampede; 100 ms to one
    /// hour. Default 5 s.
    /// </summary>
    public TimeSpan ReconnectSpread { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// At shutdown, open streams end spread over this time, zero to one hour; the host's <c>ShutdownTimeout</c> is raised to fit.
    /// Default zero: all at once.
    /// </summary>
    public TimeSpan Drain { get; set; } = TimeSpan.Zero;

    /// <summary>Open streams of this process in all, at least 1; more get 503. Default 50,000; null: no limit.</summary>
    public int? MaxStreams { get; set; } = 50_000;

    /// <summary>
    /// Open streams of one signed-in user, whatever their addresses, at least 1; more get 429. Default 100, which is many tabs; null: no
    /// limit.
    /// </summary>
    public int? MaxStreamsPerUser { get; set; } = 100;

    /// <summary>
    /// Open streams of one IP address, or of one IPv6 network of 64 bits, without those of signed-in users, at least 1; more get 429. All
    /// addresses of a wider network (IPv4: 24 bits, IPv6: 48) together may have a quarter of <see cref="MaxStreams"/>, though no less than
    /// one address. Default 1,000, as offices share an address; null: no limit, for networks neither.
    /// </summary>
    public int? MaxStreamsPerAddress { get; set; } = 1_000;
}
