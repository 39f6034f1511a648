using System.Text;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Which stream a feed is in, and what the stream keeps.</summary>
internal static class RabbitMQStreamName
{
    private const long SmallestSegment = 1 << 20;
    private const long LargestSegment = 256L << 20;

    /// <summary>A feed has a stream of its own; the feeds of a family are spread over a few, by a hash that is the same everywhere.</summary>
    internal static string Of(string feed, RabbitMQStoreOptions options)
    {
        var slash = feed.IndexOf('/', StringComparison.Ordinal);
        return slash < 0
            ? $"{options.Prefix}.{feed}"
            // A colon is in the name of no feed.
            : $"{options.Prefix}.{feed[..slash]}:{Hash(feed.AsSpan(slash + 1)) % (uint)options.Partitions}";
    }

    /// <summary>How to declare it: RabbitMQ removes whole segments of a stream, so that at least what the feed retains is kept.</summary>
    internal static Dictionary<string, object?> ArgumentsOf(string feed, FeedRetention retention, RabbitMQStoreOptions options)
    {
        const int Headers = 256;
        // What ten servers write meanwhile when made-up ids make them write markers all the time, up to a limit.
        var markers = Math.Min((long)(retention.Age / RabbitMQMarkers.MaxDelay) * Headers * 10, LargestSegment / 4);
        var bytes = markers + (feed.Contains('/', StringComparison.Ordinal) ? options.PartitionBytes : retention.Bytes + (retention.Entries * (long)Headers));
        var segment = Math.Clamp(bytes / 4, SmallestSegment, LargestSegment);
        return new Dictionary<string, object?>
        {
            ["x-queue-type"] = "stream",
            ["x-max-length-bytes"] = bytes + segment,
            ["x-max-age"] = $"{(long)Math.Ceiling(retention.Age.TotalSeconds)}s",
            ["x-stream-max-segment-size-bytes"] = segment,
        };
    }

    // FNV-1a: part of the contract between servers, so never to be changed.
    private static uint Hash(ReadOnlySpan<char> key)
    {
        var hash = 2166136261u;
        foreach (var value in Encoding.UTF8.GetBytes(key.ToArray()))
        {
            hash = (hash ^ value) * 16777619u;
        }
        return hash;
    }
}
