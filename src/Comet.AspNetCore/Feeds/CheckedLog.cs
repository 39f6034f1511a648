using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>The log of a store, of which only what is accepted is read.</summary>
internal sealed class CheckedLog(IFeedLog log, StoredContent content) : IFeedLog
{
    public async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        Accept(await log.AppendAsync(new EncodedPayload(payload).Memory, cancellationToken));

    public async ValueTask<FeedLogPage> ReadAsync(
        long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        var trimmedThrough = 0L;
        while (true)
        {
            var page = await log.ReadAsync(after, maxEntries, maxBytes, cancellationToken);
            trimmedThrough = Math.Max(trimmedThrough, page.TrimmedThrough);
            var entries = new List<FeedEntry>(page.Entries.Count);
            var last = after;
            foreach (var entry in page.Entries)
            {
                if (entry.Offset > last && content.TryAccept(entry, out var accepted))
                {
                    entries.Add(accepted);
                }
                last = Math.Max(last, entry.Offset);
            }
            // An empty page would say that nothing follows, so a page of which nothing is accepted is followed by the next.
            if (entries.Count > 0 || last == after)
            {
                return new FeedLogPage(content.Accept(page.Epoch), trimmedThrough, entries);
            }
            after = last;
        }
    }

    public async ValueTask<FeedPosition> FindNewestAsync(int count, CancellationToken cancellationToken) =>
        Accept(await log.FindNewestAsync(count, cancellationToken));

    public async ValueTask<FeedPosition> FindSinceAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        Accept(await log.FindSinceAsync(time, cancellationToken));

    public ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken) =>
        log.ReachAsync(position, cancellationToken);

    public ValueTask DisposeAsync() => log.DisposeAsync();

    private FeedPosition Accept(FeedPosition position) => position with { Epoch = content.Accept(position.Epoch) };
}
