using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// What slow connections of one format are being sent, by its place in the tail, for as long as any of them is: one that comes to the same
/// place later shares the copy.
/// </summary>
internal sealed class SharedFrames
{
    private readonly Dictionary<TailCursor, (long To, long AppendedAt, WeakReference<EncodedFrame> Frame)> _frames = [];

    internal void Add(TailCursor from, long to, long appendedAt, EncodedFrame frame)
    {
        foreach (var (cursor, entry) in _frames)
        {
            if (!entry.Frame.TryGetTarget(out _))
            {
                _frames.Remove(cursor);
            }
        }
        _frames[from] = (to, appendedAt, new WeakReference<EncodedFrame>(frame));
    }

    internal (long To, long AppendedAt, EncodedFrame Frame)? Find(TailCursor from) =>
        _frames.TryGetValue(from, out var entry) && entry.Frame.TryGetTarget(out var frame) ? (entry.To, entry.AppendedAt, frame) : null;
}
