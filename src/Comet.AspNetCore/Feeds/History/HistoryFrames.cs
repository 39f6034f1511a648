using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Long messages of a feed's history, encoded in one format, for as long as a client is being sent one: another that comes to the same
/// place shares the copy, and needs nothing of the store.
/// </summary>
internal sealed class HistoryFrames
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(WireFormat Format, FeedPosition After), (long Offset, WeakReference<EncodedFrame> Frame)> _frames = [];

    /// <summary>The message that follows a position, with its offset, if a client is being sent it.</summary>
    internal (long Offset, EncodedFrame Frame)? Find(WireFormat format, FeedPosition after)
    {
        lock (_lock)
        {
            return _frames.TryGetValue((format, after), out var entry) && entry.Frame.TryGetTarget(out var frame)
                ? (entry.Offset, frame)
                : null;
        }
    }

    /// <summary>Shares a frame.</summary>
    /// <returns>It, or the one that somebody else has shared meanwhile.</returns>
    internal EncodedFrame Share(WireFormat format, FeedPosition after, long offset, EncodedFrame frame)
    {
        lock (_lock)
        {
            if (Find(format, after) is var (_, shared))
            {
                return shared;
            }
            foreach (var (place, entry) in _frames)
            {
                if (!entry.Frame.TryGetTarget(out _))
                {
                    _frames.Remove(place);
                }
            }
            _frames[(format, after)] = (offset, new WeakReference<EncodedFrame>(frame));
            return frame;
        }
    }
}
