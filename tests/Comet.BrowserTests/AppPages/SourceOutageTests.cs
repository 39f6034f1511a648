using System.Net;
using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using CometApp.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.BrowserTests.AppPages;

/// <summary>A source of the app, over a store that is away for a while: it needs no browser.</summary>
public class SourceOutageTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // from the start
    public async Task A_source_outlives_an_outage_of_its_store_and_so_does_the_app(bool isAwayAtStart)
    {
        var store = new AwayStore { IsAway = isAwayAtStart };
        await using var app = new App(services =>
        {
            services.Replace(ServiceDescriptor.Singleton<IFeedStore>(store));
            services.PostConfigure<FeedOptions>("vitals", feed => feed.InMemory = false);
        });
        using var client = new HttpClient();
        var vitals = app.Services.GetRequiredService<Feed<Vitals>>();
        if (!isAwayAtStart)
        {
            await NextAsync();
            store.IsAway = true;
        }

        // The other feed of the app is opened in vain once.
        await Eventually.HoldsAsync(() => store.Failures > 2, "the source meets the outage, and tries again");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(app.Url + "/health/live")).StatusCode);
        store.IsAway = false;

        await NextAsync();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(app.Url + "/vitals")).StatusCode);

        async Task NextAsync() => await vitals.ReadAsync().FirstAsync().AsTask().WaitAsync(Eventually.Patience);
    }

    /// <summary>The store in memory, unless it is away.</summary>
    private sealed class AwayStore : IFeedStore
    {
        private readonly MemoryStore _memory = new(TimeProvider.System);
        private volatile bool _isAway;
        private int _failures;

        public bool IsAway { get => _isAway; set => _isAway = value; }

        public int Failures => Volatile.Read(ref _failures);

        public bool CanReadBack => false;

        public async ValueTask<IFeedLog> OpenAsync(
            FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
        {
            ThrowIfAway();
            return new Log(this, await _memory.OpenAsync(feed, retention, tail, cancellationToken));
        }

        public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) =>
            _memory.ExistsAsync(feed, retention, cancellationToken);

        private void ThrowIfAway()
        {
            if (IsAway)
            {
                Interlocked.Increment(ref _failures);
                throw new FeedUnavailableException("The store is away.");
            }
        }

        private sealed class Log(AwayStore store, IFeedLog log) : IFeedLog
        {
            public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
            {
                store.ThrowIfAway();
                return log.AppendAsync(payload, cancellationToken);
            }

            public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken) =>
                log.ReadAsync(after, maxEntries, maxBytes, cancellationToken);

            public ValueTask DisposeAsync() => log.DisposeAsync();
        }
    }
}
