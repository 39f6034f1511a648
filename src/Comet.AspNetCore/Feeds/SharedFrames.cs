using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Long content of one feed that slow clients are being sent, encoded in one format, for as long as any of them is: another that comes to
/// the same place shares the copy. Safe for concurrent use.
/// </summary>
/// <typeparam name="TPlace">Where a client is before it.</typeparam>
/// <typeparam name="TEnd">What is known of its end.</typeparam>
internal sealed class SharedFrames<TPlace, TEnd>
    where TPlace : struct
    where TEnd : struct
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Key, Entry> _frames = [];

    private readonly record struct Key(WireFormat Format, EncodedFeedName? Name, TPlace From);

    private readonly record struct Entry(TEnd End, WeakReference<EncodedFrame> Frame);

    /// <summary>What follows a place, if a client is being sent it.</summary>
    /// <param name="format">How it is encoded.</param>
    /// <param name="name">The feed's name, where the messages have it.</param>
    /// <param name="from">The place.</param>
    internal (TEnd End, EncodedFrame Frame)? Find(WireFormat format, EncodedFeedName? name, TPlace from)
    {
        lock (_lock)
        {
            return _frames.TryGetValue(new Key(format, name, from), out var entry) && entry.Frame.TryGetTarget(out var frame)
                ? (entry.End, frame)
                : null;
        }
    }

    /// <summary>Shares a frame.</summary>
    /// <returns>It, or the one that somebody else has shared meanwhile.</returns>
    internal EncodedFrame Share(WireFormat format, EncodedFeedName? name, TPlace from, TEnd end, EncodedFrame frame)
    {
        lock (_lock)
        {
            if (Find(format, name, from) is var (_, shared))
            {
                return shared;
            }
            foreach (var (key, entry) in _frames)
            {
                if (!entry.Frame.TryGetTarget(out _))
                {
                    _frames.Remove(key);
                }
            }
            _frames[new Key(format, name, from)] = new Entry(end, new WeakReference<EncodedFrame>(frame));
            return frame;
        }
    }
}
