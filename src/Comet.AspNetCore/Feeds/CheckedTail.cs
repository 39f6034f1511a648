using System.Buffers;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>Passes on to a tail what is accepted of what a store hands over.</summary>
internal sealed class CheckedTail(IFeedTail tail, StoredContent content) : IFeedTail
{
    public void Reset(string epoch, long head) => tail.Reset(content.Accept(epoch), Math.Max(head, 0));

    public void Append(ReadOnlySpan<FeedEntry> entries)
    {
        var accepted = ArrayPool<FeedEntry>.Shared.Rent(entries.Length);
        var count = 0;
        foreach (var entry in entries)
        {
            if (content.TryAccept(entry, out accepted[count]))
            {
                count++;
            }
        }
        tail.Append(accepted.AsSpan(0, count));
        if (count < entries.Length)
        {
            tail.Advance(entries[^1].Offset); // readers do not stay before what was left out
        }
        ArrayPool<FeedEntry>.Shared.Return(accepted, clearArray: true);
    }

    public void Advance(long head) => tail.Advance(head);
}
