using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>One format of a feed's messages, written once for all connections at the same place.</summary>
internal sealed class Rendition(WireFormat format) : IDisposable
{
    // Half of Kestrel's default write buffer, so that a client that keeps up is not taken for one that does not.
    private const int MaxBytes = 32 * 1024;

    private readonly Run _most = new();
    private readonly Run _straggler = new();
    private long _messages;
    private long _bytes;
    private long _stamp;

    internal WireFormat Format => format;

    /// <summary>How many connections use it.</summary>
    internal int Users { get; set; }

    /// <summary>What follows the cursor. Those at the place where most are share a block, and so do not disturb it.</summary>
    internal Run From(FeedTail tail, TailCursor cursor, TailCursor mostAre)
    {
        var run = cursor == mostAre ? _most : _straggler;
        if (run.From != cursor || run.IsStale)
        {
            run.Block.Clear();
            (run.To, run.Stamp) = tail.Write(cursor, MaxBytes, format, run.Block);
            run.From = cursor;
            run.IsStale = false;
        }
        return run;
    }

    /// <summary>A new pass: the log may have grown.</summary>
    internal void Expire()
    {
        _most.IsStale = true;
        _straggler.IsStale = true;
    }

    internal void Count(long messages, long bytes, long stamp)
    {
        _messages += messages;
        _bytes += bytes;
        _stamp = stamp;
    }

    /// <summary>Tells the meter what was written since the last time.</summary>
    internal void Report(CometMetrics metrics, string feed)
    {
        if (_messages == 0)
        {
            return;
        }
        metrics.Delivered(format, feed, _messages, _bytes);
        metrics.DeliveryTook(feed, _stamp);
        _messages = _bytes = 0;
    }

    public void Dispose()
    {
        _most.Block.Dispose();
        _straggler.Block.Dispose();
    }

    internal sealed class Run
    {
        internal Block Block { get; } = new();
        internal TailCursor From { get; set; }
        internal long To { get; set; }
        internal long Stamp { get; set; }
        internal bool IsStale { get; set; } = true;
    }
}
