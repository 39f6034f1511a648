using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>One format in which connections take a feed's messages, and what was written in it.</summary>
/// <param name="format">The format.</param>
/// <param name="own">What follows the place where most are; null: such formats have one in common, as their number is for clients to choose.</param>
internal sealed class FormatGroup(WireFormat format, EncodedBatch? own) : IDisposable
{
    private long _messages;
    private long _bytes;
    private long _appendedAt;

    internal WireFormat Format => format;

    internal EncodedBatch? Own => own;

    /// <summary>How many connections use it.</summary>
    internal int Users { get; set; }

    /// <summary>Counts messages that were written.</summary>
    /// <param name="messages">How many.</param>
    /// <param name="bytes">How long they were.</param>
    /// <param name="appendedAt">When the last was appended; 0: the connection does not keep up, so that this says nothing about the server.</param>
    internal void Count(long messages, long bytes, long appendedAt)
    {
        _messages += messages;
        _bytes += bytes;
        _appendedAt = Math.Max(_appendedAt, appendedAt);
    }

    /// <summary>Tells the meter what was written since the last time.</summary>
    internal void Report(CometMetrics metrics, string feed)
    {
        if (_bytes == 0)
        {
            return;
        }
        metrics.Delivered(format, feed, _messages, _bytes);
        if (_appendedAt != 0)
        {
            metrics.DeliveryTook(feed, _appendedAt);
        }
        _messages = _bytes = _appendedAt = 0;
    }

    public void Dispose() => own?.Dispose();
}
