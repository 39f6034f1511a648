using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

/// <summary>What becomes of the page, and of what is typed, when the network or the server is slow or away.</summary>
public class AnnouncementsTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    [Fact]
    public async Task What_is_typed_while_an_announcement_is_posted_stays()
    {
        var page = await OpenAsync(app.Url);
        await page.EvaluateAsync("""
            () => {
              const send = fetch;
              window.fetch = async (...request) => {
                await new Promise(release => { window.release = release; });
                const response = await send(...request);
                setTimeout(() => { window.isAnswered = true; }); // after the page has taken the answer
                return response;
              };
            }
            """);
        await AnnounceAsync(page, "Slowly posted");
        await page.FillAsync("#Text", "Typed meanwhile");

        await page.EvaluateAsync("() => release()");
        await page.WaitForFunctionAsync("() => window.isAnswered");

        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync("Typed meanwhile");
        await Assertions.Expect(page.Locator("#announcements")).ToContainTextAsync("Slowly posted");
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_page_goes_on_by_itself_after_a_cut_and_says_when_the_server_was_restarted()
    {
        var first = new App(services => services.PostConfigure<CometOptions>(comet =>
        {
            comet.Heartbeat = TimeSpan.FromMilliseconds(500);
            comet.ReconnectSpread = TimeSpan.FromSeconds(1);
        }));
        await using var network = new TcpProxy(first.Url);
        var page = await OpenAsync(network.Url);
        var connection = page.Locator("#connection");
        // A state that lasts a quarter of a second is easily missed from outside.
        await page.EvaluateAsync("""
            () => {
              window.shown = [];
              const connection = document.getElementById('connection');
              new MutationObserver(() => shown.push(connection.textContent)).observe(connection, { childList: true, subtree: true });
            }
            """);
        await first.AnnounceAsync("Before the cut");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Before the cut"]);

        network.Cut();
        await first.AnnounceAsync("During the cut");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["During the cut", "Before the cut"]);
        await Assertions.Expect(connection).ToHaveTextAsync("Live");
        var shown = await page.EvaluateAsync<string[]>("() => shown");
        Assert.Contains(shown, text => text.StartsWith("Reconnecting", StringComparison.Ordinal));

        await first.DisposeAsync();
        await using var second = new App();
        await second.AnnounceAsync("In the new history");
        network.LeadTo(second.Url);
        await second.AnnounceAsync("Live again");
        await Assertions.Expect(page.Locator("#announcements > li")).ToContainTextAsync(
            ["Live again", "In the new history", "Some messages may be missing here.", "During the cut", "Before the cut"]);
        await page.CloseAsync();
    }

    [Fact]
    public async Task After_a_restart_without_history_the_page_keeps_what_it_shows()
    {
        var first = new App(services =>
            services.PostConfigure<CometOptions>(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        var page = await OpenAsync(network.Url);
        await first.AnnounceAsync("Seen already");
        await Assertions.Expect(page.Locator("#empty")).ToBeHiddenAsync();

        await first.DisposeAsync();
        await using var second = new App();
        network.LeadTo(second.Url);

        await Assertions.Expect(page.Locator("#announcements > li")).ToContainTextAsync(
            ["Some messages may be missing here.", "Seen already"]);
        await Assertions.Expect(page.Locator("#newest")).ToHaveTextAsync("Some messages may be missing here.");
        await page.CloseAsync();
    }

    [Fact]
    public async Task An_empty_page_has_no_gap_whatever_it_missed()
    {
        var first = new App(services =>
            services.PostConfigure<CometOptions>(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        var page = await OpenAsync(network.Url);

        await first.DisposeAsync();
        await using var second = new App();
        await second.AnnounceAsync("All that there is");
        network.LeadTo(second.Url);

        await Assertions.Expect(page.Locator("#announcements > li")).ToContainTextAsync(["All that there is"]);
        await page.CloseAsync();
    }

    [Fact]
    public async Task While_the_store_is_away_the_page_comes_without_its_list_and_then_has_it_all()
    {
        var store = new AbsentStore();
        await using var site = new App(services =>
        {
            services.Replace(ServiceDescriptor.Singleton<IFeedStore>(store));
            services.PostConfigure<CometOptions>(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500));
        });
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/announcements");
        await Assertions.Expect(page.Locator("#empty")).ToBeVisibleAsync();

        store.IsThere = true;
        await site.AnnounceAsync("Stored at last");

        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Stored at last"]);
        await page.CloseAsync();
    }

    private async Task<IPage> OpenAsync(string site)
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site + "/announcements");
        await page.WaitForSelectorAsync("#connection[data-state=live]");
        return page;
    }

    private static async Task AnnounceAsync(IPage page, string text)
    {
        await page.FillAsync("#Text", text);
        await page.ClickAsync("form button");
    }

    private static ILocator Texts(IPage page) => page.Locator("#announcements li p");

    /// <summary>The memory, once a test says that it is there.</summary>
    private sealed class AbsentStore : IFeedStore
    {
        private readonly MemoryStore _memory = new(TimeProvider.System);

        public bool CanReadBack => false;

        internal bool IsThere { get; set; }

        public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken) =>
            IsThere
                ? _memory.OpenAsync(feed, retention, tail, cancellationToken)
                : throw new FeedUnavailableException("The store is away.");

        public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) => new(false);
    }
}
