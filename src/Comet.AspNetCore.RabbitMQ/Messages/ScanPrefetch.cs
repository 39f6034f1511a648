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

    /// <summary>
    /// About half a megabyte, or eight messages if these are longer, and no more than twice what the reading before has taken: one page
    /// after another is read in small parts, and what was sent ahead is lost.
    /// </summary>
    /// <param name="payload">The length of their payloads on average.</param>
    /// <param name="messages">How many messages the reading before has taken.</param>
    internal static ushort For(long payload, int messages) =>
        (ushort)Math.Clamp(Math.Min(Bytes / Math.Max(payload, 1), 2L * messages), Fewest, Most);
}
