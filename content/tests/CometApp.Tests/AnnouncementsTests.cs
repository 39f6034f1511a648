using Comet.AspNetCore;
using Comet.AspNetCore.Testing;
using CometApp.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace CometApp.Tests;

public class AnnouncementsTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task What_is_posted_in_one_browser_shows_in_all_and_survives_a_reload()
    {
        const string hostile = "</script><script>alert(1)</script>\u2028<b>&amp;";
        var (writer, reader) = (await OpenAsync(), await OpenAsync());

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
    public async Task What_is_announced_before_the_page_connects_is_there_once_and_in_order()
    {
        await AnnounceAsync("1");
        await AnnounceAsync("2");
        var page = await browser.NewPageAsync();
        await page.RouteAsync("**/announcements/stream*", async route =>
        {
            await AnnounceAsync("3"); // since the page was rendered
            await route.ContinueAsync();
        });

        await page.GoLiveAsync(app.Url + "/announcements");
        await AnnounceAsync("4");

        await Assertions.Expect(Texts(page).First).ToHaveTextAsync("4");
        Assert.Equal(["4", "3", "2", "1"], (await Texts(page).AllInnerTextsAsync()).Take(4));
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_first_page_shows_the_newest_one()
    {
        await AnnounceAsync("Older");
        await AnnounceAsync("Newest");
        var page = await browser.NewPageAsync();

        await page.GoLiveAsync(app.Url + "/");

        await Assertions.Expect(page.Locator("#latest")).ToHaveTextAsync("Newest");
        await AnnounceAsync("Newer still");
        await Assertions.Expect(page.Locator("#latest")).ToHaveTextAsync("Newer still");
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_accepted_says_why_and_stays_in_the_form()
    {
        var page = await OpenAsync();
        await page.EvaluateAsync("() => document.getElementById('Text').removeAttribute('maxlength')");

        await AnnounceAsync(page, new string('x', 281));

        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("An announcement has at most 280 characters.");
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync(new string('x', 281));
        await page.CloseAsync();
    }

    [Fact]
    public async Task Without_scripts_the_form_still_posts_and_says_why_not()
    {
        await using var profile = await browser.NewContextAsync(new() { JavaScriptEnabled = false });
        var page = await profile.NewPageAsync();
        await page.GotoAsync(app.Url + "/announcements");

        await AnnounceAsync(page, "   ");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("Write something first.");
        await AnnounceAsync(page, "Written without scripts");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("");
        await Assertions.Expect(Texts(page).First).ToHaveTextAsync("Written without scripts");

        var reader = await OpenAsync();
        await Assertions.Expect(Texts(reader).First).ToHaveTextAsync("Written without scripts");
        await reader.CloseAsync();
    }

    [Fact]
    public async Task The_stream_calls_the_function_of_the_page()
    {
        await AnnounceAsync("Hello");

        var announced = await CometReader.ReadAsync(app.CreateClient(), "/announcements/stream", lastEventId: "earliest")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal("parent.announced", announced.Callback);
    }

    private async Task AnnounceAsync(string text) =>
        await app.Services.GetRequiredService<Feed<Announcement>>().PublishAsync(new(text, DateTimeOffset.UnixEpoch));

    private async Task<IPage> OpenAsync()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/announcements");
        return page;
    }

    private static async Task AnnounceAsync(IPage page, string text)
    {
        await page.FillAsync("#Text", text);
        await page.ClickAsync("form button");
    }

    private static ILocator Texts(IPage page) => page.Locator("#announcements li p");
}
