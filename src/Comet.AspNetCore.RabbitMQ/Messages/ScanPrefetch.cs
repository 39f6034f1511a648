namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>How many messages the broker sends ahead of a reading of a part.</summary>
internal static class ScanPrefetch
{
    /// <summary>Enough for messages of which many fit into a packet.</summary>
    internal const ushort Most = 512;

    /// <summary>For messages of unknown length.</summary>
    internal const ushort Unknown = 64;

    // Enough for the broker to go on meanwhile.
    private const ushort Fewest = 8;

    private const int Bytes = 512 * 1024;

    /// <summary>As many as have this length together, about: half a megabyte, or eight messages if these are longer.</summary>
    /// <param name="payload">The length of their payloads on average.</param>
    internal static ushort For(long payload) => (ushort)Math.Clamp(Bytes / Math.Max(payload, 1), Fewest, Most);
}
