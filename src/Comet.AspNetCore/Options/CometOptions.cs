namespace Comet.AspNetCore;

/// <summary>How this server streams. Bound from the <c>Comet</c> section of the configuration and checked at start.</summary>
public sealed class CometOptions
{
    /// <summary>
    /// Bytes of white space before the first script, at least 1,024 (the default). Firefox and WebKit run scripts of a partial
    /// document only after their first 512 to 1,024 bytes, and some proxies forward nothing smaller.
    /// </summary>
    public int Padding { get; set; } = 1024;

    /// <summary>A quiet stream sends a heartbeat this often. Default 15 s: below the 30 s after which Firefox and the 60 s after which nginx give up.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A connection that has something to take, and takes nothing of it for this long, is cut. Default 10 s.</summary>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A stream older than this ends with the reason <c>recycled</c> and the client comes back. Default null: never.</summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>A stream that sent more bytes than this ends with the reason <c>recycled</c>. Default null: never.</summary>
    public long? MaxBytes { get; set; }

    /// <summary>Clients of a stream that ends are told to come back after a random time up to this, so that a restart is no stampede. Default 5 s.</summary>
    public TimeSpan ReconnectSpread { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>At shutdown, end the open streams spread over this time. Default zero: all at once.</summary>
    public TimeSpan Drain { get; set; } = TimeSpan.Zero;

    /// <summary>Open streams in all; more get 503. Default 50,000; null: no limit.</summary>
    public int? MaxStreams { get; set; } = 50_000;

    /// <summary>Open streams of one signed-in user; more get 429. Default 100; null: no limit.</summary>
    public int? MaxStreamsPerUser { get; set; } = 100;

    /// <summary>Open streams of one IP address; more get 429. Default 1,000, as offices share an address; null: no limit.</summary>
    public int? MaxStreamsPerAddress { get; set; } = 1_000;

    /// <summary>New streams per second in all, with bursts of twice that; more get 503. Default null: no limit.</summary>
    public int? MaxConnectsPerSecond { get; set; }
}
