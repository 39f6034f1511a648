using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>The connections that take a feed's messages in one format, and what was written to them.</summary>
/// <param name="format">The format.</param>
/// <param name="batch">
/// What follows the cursor of the connections that keep up. Null for formats beyond the first few: each callback is a format, and clients
/// may name any.
/// </param>
internal sealed class FormatGroup(WireFormat format, EncodedBatch? batch) : IDisposable
{
    private long _messages;
    private long _bytes;
    private long? _appendedAt;

    internal WireFormat Format => format;

    internal EncodedBatch? Batch => batch;

    internal SharedFrames Frames { get; } = new();

    /// <summary>How many there are.</summary>
    internal int Connections { get; set; }

    /// <summary>Counts messages that were written.</summary>
    /// <param name="messages">How many.</param>
    /// <param name="bytes">How long they were.</param>
    /// <param name="appendedAt">
    /// When the last was appended; null when the connection does not keep up, so that its delay says nothing about the server.
    /// </param>
    internal void Count(long messages, long bytes, long? appendedAt)
    {
        _messages += messages;
        _bytes += bytes;
        if (appendedAt > _appendedAt || _appendedAt is null)
        {
            _appendedAt = appendedAt;
        }
    }

    /// <summary>Adds to the metrics what was written since the last report.</summary>
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
