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

        var reader = await OpenAsync();
        await Assertions.Expect(reader.Locator("#announcements")).ToContainTextAsync("Written without scripts");
        await reader.CloseAsync();
    }

    [Fact]
    public async Task The_stream_calls_the_function_of_the_page()
    {
        await app.Services.GetRequiredService<Feed<Announcement>>().PublishAsync(new("Hello", DateTimeOffset.UnixEpoch));

        var announced = await CometReader.ReadAsync(app.CreateClient(), "/announcements/stream", lastEventId: "earliest")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal("parent.announced", announced.Callback);
    }

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
