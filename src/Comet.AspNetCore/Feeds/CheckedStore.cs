using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// A store outside the process, whose content is data that others may have written: nothing of it reaches a tail or a reader before
/// <see cref="StoredContent"/> has accepted it.
/// </summary>
internal sealed class CheckedStore(IFeedStore store, CometMetrics metrics, ILogger logger) : IFeedStore
{
    public bool CanReadBack => store.CanReadBack;

    public async ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        await Task.Yield(); // a store may take its time before it returns, and the caller has a lock
        var content = new StoredContent(feed, metrics, logger);
        return new CheckedLog(await store.OpenAsync(feed, retention, new CheckedTail(tail, content), cancellationToken), content);
    }
}
