using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>One format in which connections take a feed's messages, and what was written in it.</summary>
/// <param name="format">The format.</param>
/// <param name="batch">What follows the cursor of those that keep up. Null for formats beyond the first few, as clients choose their number.</param>
internal sealed class FormatGroup(WireFormat format, EncodedBatch? batch) : IDisposable
{
    private long _messages;
    private long _bytes;
    private long? _appendedAt;

    internal WireFormat Format => format;

    internal EncodedBatch? Batch => batch;

    /// <summary>How many connections use it.</summary>
    internal int Connections { get; set; }

    /// <summary>Counts messages that were written.</summary>
    /// <param name="messages">How many.</param>
    /// <param name="bytes">How long they were.</param>
    /// <param name="appendedAt">When the last was appended; null: the connection does not keep up, so that this says nothing about the server.</param>
    internal void Count(long messages, long bytes, long? appendedAt)
    {
        _messages += messages;
        _bytes += bytes;
        if (appendedAt > _appendedAt || _appendedAt is null)
        {
            _appendedAt = appendedAt;
        }
    }

    /// <summary>Tells the meter what was written since the last time.</summary>
    internal void Report(CometMetrics metrics, string feed)
    {
        if (_bytes == 0)
        {
            return;
        }
        metrics.Delivered(format.Name, feed, _messages, _bytes);
        if (_appendedAt is { } appendedAt)
        {
            metrics.DeliveryTook(feed, appendedAt);
        }
        (_messages, _bytes, _appendedAt) = (0, 0, null);
    }

    public void Dispose() => batch?.Dispose();
}
