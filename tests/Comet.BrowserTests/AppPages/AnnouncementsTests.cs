using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
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
                const text = await response.text();
                response.text = async () => {
                  setTimeout(() => { window.isAnswered = true; });
                  return text;
                };
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
        await Assertions.Expect(page.Locator("#note")).ToHaveTextAsync("Some older announcements are no longer there.");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["In the new history"]);
        await second.AnnounceAsync("Live again");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Live again", "In the new history"]);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_restart_without_history_leaves_an_empty_page_that_says_so()
    {
        var first = new App(services =>
            services.PostConfigure<CometOptions>(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        var page = await OpenAsync(network.Url);
        await first.AnnounceAsync("Forgotten");
        await Assertions.Expect(page.Locator("#empty")).ToBeHiddenAsync();

        await first.DisposeAsync();
        await using var second = new App();
        network.LeadTo(second.Url);
        await Assertions.Expect(page.Locator("#note")).ToBeVisibleAsync();

        await Assertions.Expect(Texts(page)).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator("#empty")).ToBeVisibleAsync();
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
}
