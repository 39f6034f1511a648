using System.Collections.Concurrent;
using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.BrowserTests.Sources;

/// <summary>A feed whose position moves without a message, as that of a quiet feed which shares a log with busy ones.</summary>
public class PositionTests(TestBrowsers browsers)
{
    [Fact]
    public async Task CometSource_and_EventSource_resume_after_the_position_that_a_heartbeat_told()
    {
        var heartbeat = TimeSpan.FromMilliseconds(500);
        var (store, requests) = (new MovingStore(), new LastEventIds());
        await using var site = new Site(services =>
        {
            services.AddComet(comet => (comet.Heartbeat, comet.ReconnectSpread) = (heartbeat, heartbeat));
            services.Replace(ServiceDescriptor.Singleton<IFeedStore>(store));
            services.AddSingleton<IStartupFilter>(requests);
        });
        await using var network = new TcpProxy(site.Url);
        var page = await browsers.OpenTabAsync();
        var reader = await Reader.OpenAsync(page, network.Url, News.Stream);
        await page.EvaluateAsync("""
            stream => new Promise(opened => {
              window.native = new EventSource(stream);
              window.native.onopen = () => { window.native.onopen = null; opened(); };
            })
            """, News.Stream);
        await reader.WaitForEventAsync("open");

        store.Advance(1000);
        await page.WaitForFunctionAsync("() => reader.source.lastEventId.endsWith('-1000')");
        await Task.Delay(3 * heartbeat, TestContext.Current.CancellationToken); // no event tells what EventSource has taken
        network.Cut();

        await Eventually.HoldsAsync(() => requests.Have(inHeader: false, "-1000"), "CometSource resumes there");
        await Eventually.HoldsAsync(() => requests.Have(inHeader: true, "-1000"), "EventSource resumes there");
        await reader.WaitForEventAsync("open", count: 2);
        Assert.DoesNotContain("gap", await reader.EventTypesAsync());
        await page.CloseAsync();
    }

    /// <summary>Notes after which ids was asked for.</summary>
    private sealed class LastEventIds : IStartupFilter
    {
        private readonly ConcurrentQueue<(bool InHeader, string Id)> _ids = new();

        internal bool Have(bool inHeader, string end) =>
            _ids.Any(asked => asked.InHeader == inHeader && asked.Id.EndsWith(end, StringComparison.Ordinal));

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) =>
            {
                _ids.Enqueue((true, context.Request.Headers["Last-Event-ID"].ToString()));
                _ids.Enqueue((false, context.Request.Query["lastEventId"].ToString()));
                return following(context);
            });
            next(app);
        };
    }

    /// <summary>The log in memory, whose end a test moves.</summary>
    private sealed class MovingStore : IFeedStore
    {
        private readonly MemoryStore _memory = new(TimeProvider.System);
        private IFeedTail? _tail;

        public bool CanReadBack => false;

        internal void Advance(long head) => _tail!.Advance(head);

        public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
        {
            _tail = tail;
            return _memory.OpenAsync(feed, retention, tail, cancellationToken);
        }

        public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) => new(false);
    }
}
