using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Comet.AspNetCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests;

/// <summary>Post in one browser, see it in all, reload and miss nothing.</summary>
public class AnnouncementsTests(App app, BrowserFixture browsers) : IClassFixture<App>
{
    [Fact]
    public async Task What_is_posted_in_one_browser_shows_in_all_and_survives_a_reload()
    {
        var (writer, reader) = (await OpenAsync(app.Url), await OpenAsync(app.Url));
        const string hostile = "</script><script>alert(1)</script>\u2028<b>&amp;";

        await AnnounceAsync(writer, "First");
        await Assertions.Expect(writer.Locator("#Text")).ToHaveValueAsync("");
        await AnnounceAsync(writer, hostile);
        await Assertions.Expect(Texts(reader)).ToContainTextAsync([hostile, "First"]);
        await reader.ReloadAsync();

        await Assertions.Expect(Texts(reader)).ToContainTextAsync([hostile, "First"]);
        await Assertions.Expect(Texts(writer)).ToContainTextAsync([hostile, "First"]);
        await Assertions.Expect(writer.Locator("#Text")).ToHaveValueAsync("");
        await Assertions.Expect(writer.Locator("#empty")).ToBeHiddenAsync();
        await writer.CloseAsync();
        await reader.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_accepted_says_why_and_stays_in_the_form()
    {
        var page = await OpenAsync(app.Url);
        await page.EvaluateAsync("() => document.getElementById('Text').removeAttribute('maxlength')");

        await AnnounceAsync(page, new string('x', 281));

        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("An announcement has at most 280 characters.");
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync(new string('x', 281));
        await page.CloseAsync();
    }

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
    public async Task Without_scripts_the_form_still_posts_and_says_why_not()
    {
        await using var profile = await browsers.OpenProfileAsync(new() { JavaScriptEnabled = false });
        var page = await profile.NewPageAsync();
        await page.GotoAsync(app.Url + "/announcements");

        await AnnounceAsync(page, "   ");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("Write something first.");
        await AnnounceAsync(page, "Written without scripts");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("");

        var reader = await OpenAsync(app.Url);
        await Assertions.Expect(reader.Locator("#announcements")).ToContainTextAsync("Written without scripts");
        await reader.CloseAsync();
    }

    [Fact]
    public async Task The_page_goes_on_by_itself_after_a_cut_and_says_when_the_server_was_restarted()
    {
        var first = new App(services => services.PostConfigure<CometOptions>(comet =>
        {
            comet.Heartbeat = TimeSpan.FromMilliseconds(500);
            comet.ReconnectSpread = TimeSpan.FromSeconds(3);
        }));
        await using var network = new TcpProxy(first);
        var page = await OpenAsync(network.Url);
        var connection = page.Locator("#connection");
        await first.AnnounceAsync("Before the cut");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Before the cut"]);

        network.Cut();
        await first.AnnounceAsync("During the cut");
        await Assertions.Expect(connection).ToContainTextAsync("Reconnecting");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["During the cut", "Before the cut"]);
        await Assertions.Expect(connection).ToHaveTextAsync("Live");

        await first.DisposeAsync();
        await using var second = new App();
        await second.AnnounceAsync("In the new history");
        network.LeadTo(second);
        await Assertions.Expect(page.Locator("#note")).ToHaveTextAsync("Some older announcements are no longer there.");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["In the new history"]);
        await second.AnnounceAsync("Live again");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Live again", "In the new history"]);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_restart_without_history_leaves_an_empty_page_that_says_so()
    {
        var first = new App(services => services.PostConfigure<CometOptions>(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first);
        var page = await OpenAsync(network.Url);
        await first.AnnounceAsync("Forgotten");
        await Assertions.Expect(page.Locator("#empty")).ToBeHiddenAsync();

        await first.DisposeAsync();
        await using var second = new App();
        network.LeadTo(second);
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
