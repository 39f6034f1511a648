using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// Begins to open the feeds without a key that are in a store when the app starts, so that their heads are known when the first page is
/// rendered. Nobody waits for it, as the store may be away.
/// </summary>
internal sealed class FeedOpening(IEnumerable<FeedRegistration> feeds, IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var feed in feeds.Where(feed => !feed.IsFamily))
        {
            var handle = services.GetRequiredKeyedService<SingletonFeedHandle>(feed.Name);
            if (!handle.Options.InMemory && services.GetRequiredService<IFeedStore>().CanReadBack)
            {
                var core = handle.Acquire();
                _ = core.Head;
                core.Release();
            }
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
