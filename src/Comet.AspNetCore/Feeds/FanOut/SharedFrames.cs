using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The long writes that slow connections of one feed have under way, by format and place, for as long as any of them has: one that comes to
/// the same place later shares the copy. Safe for concurrent use.
/// </summary>
internal sealed class SharedFrames
{
    private readonly Dictionary<(WireFormat Format, TailCursor From), (TailCursor To, long AppendedAt, WeakReference<EncodedFrame> Frame)>
        _frames = [];

    internal void Add(WireFormat format, TailCursor from, TailCursor to, long appendedAt, EncodedFrame frame)
    {
        lock (_frames)
        {
            foreach (var (key, entry) in _frames)
            {
                if (!entry.Frame.TryGetTarget(out _))
                {
                    _frames.Remove(key);
                }
            }
            _frames[(format, from)] = (to, appendedAt, new WeakReference<EncodedFrame>(frame));
        }
    }

    internal (TailCursor To, long AppendedAt, EncodedFrame Frame)? Find(WireFormat format, TailCursor from)
    {
        lock (_frames)
        {
            return _frames.TryGetValue((format, from), out var entry) && entry.Frame.TryGetTarget(out var frame)
                ? (entry.To, entry.AppendedAt, frame)
                : null;
        }
    }
}
