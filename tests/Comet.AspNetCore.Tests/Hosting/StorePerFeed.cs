using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>Stores of a test, each for one feed.</summary>
internal sealed class StorePerFeed(params (string Feed, IFeedStore Store)[] stores) : IFeedStore
{
    public bool CanReadBack => true;

    public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken) =>
        stores.Single(entry => entry.Feed == feed.ToString()).Store.OpenAsync(feed, retention, tail, cancellationToken);

    public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) => new(false);
}
