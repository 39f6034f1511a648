using System.Text;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>The name and the arguments of the RabbitMQ stream that holds a feed.</summary>
internal static class RabbitMQStreamName
{
    private const long SmallestSegment = 1 << 20;
    private const long LargestSegment = 256L << 20;

    /// <summary>
    /// The name. A feed without a key has a RabbitMQ stream of its own; the feeds of a family are spread over a few, by a hash that is the
    /// same on every server.
    /// </summary>
    internal static string Of(FeedName feed, RabbitMQStoreOptions options) => feed.Key is null
        ? $"{options.Prefix}.{feed}"
        // No feed has a colon in its name, so this name is no other feed's.
        : $"{options.Prefix}.{feed.Family}:{Hash(feed.Key) % (uint)options.Partitions}";

    /// <summary>
    /// The arguments of its declaration. RabbitMQ removes whole segments, so there is room for one more than retention asks for.
    /// </summary>
    internal static Dictionary<string, object?> ArgumentsOf(FeedName feed, FeedRetention retention, RabbitMQStoreOptions options)
    {
        const int Headers = 256; // bytes of a message besides its payload, at most
        // Room for the markers of ten servers to which made-up positions are sent all the time, up to a limit.
        var markers = Math.Min((long)(retention.Age / RabbitMQMarkers.MaxDelay) * Headers * 10, LargestSegment / 4);
        var entries = feed.Key is null ? retention.Bytes + (retention.Entries * (long)Headers) : options.PartitionBytes;
        var bytes = markers + entries;
        var segment = Math.Clamp(bytes / 4, SmallestSegment, LargestSegment);
        return new Dictionary<string, object?>
        {
            ["x-queue-type"] = "stream",
            ["x-max-length-bytes"] = bytes + segment,
            ["x-max-age"] = $"{(long)Math.Ceiling(retention.Age.TotalSeconds)}s",
            ["x-stream-max-segment-size-bytes"] = segment,
        };
    }

    // FNV-1a. All servers have to agree on it, so it never changes.
    private static uint Hash(string key)
    {
        var hash = 2166136261u;
        foreach (var value in Encoding.UTF8.GetBytes(key))
        {
            hash = (hash ^ value) * 16777619u;
        }
        return hash;
    }
}
