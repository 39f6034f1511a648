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
        await page.RouteAsync("**/announcements", async route =>
        {
            var rendered = await route.FetchAsync();
            await AnnounceAsync("3");
            await route.FulfillAsync(new() { Response = rendered });
        });

        await page.GoLiveAsync(app.Url + "/announcements");
        await AnnounceAsync("4");

        await Assertions.Expect(Texts(page).First).ToHaveTextAsync("4");
        Assert.Equal(["4", "3", "2", "1"], (await Texts(page).AllInnerTextsAsync()).Take(4));
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_first_page_shows_the_newest_and_announces_without_a_reload()
    {
        foreach (var text in new[] { "Oldest", "Older", "Old", "New" })
        {
            await AnnounceAsync(text);
        }
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/");
        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["New", "Old", "Older"]);
        await page.EvaluateAsync("() => { window.isTheSamePage = true; }");
        var height = await HeightAsync();

        await AnnounceAsync(page, "Newest");

        await Assertions.Expect(Texts(page)).ToHaveTextAsync(["Newest", "New", "Old"]);
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync("");
        await AnnounceAsync(page, new string('x', 280));
        await Assertions.Expect(Texts(page).First).ToHaveTextAsync(new string('x', 280));
        Assert.True(await page.EvaluateAsync<bool>("() => window.isTheSamePage"));
        Assert.Equal(height, await HeightAsync());
        await page.CloseAsync();

        Task<int> HeightAsync() => page.EvaluateAsync<int>("() => document.documentElement.scrollHeight");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/announcements")]
    public async Task What_is_not_accepted_says_why_and_stays_in_the_form(string path)
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + path);
        await Assertions.Expect(page.Locator("#room")).ToHaveTextAsync("At most 280 characters");
        await page.FillAsync("#Text", "Hello");
        await Assertions.Expect(page.Locator("#room")).ToHaveTextAsync("275 characters left");
        await page.EvaluateAsync("() => document.getElementById('Text').removeAttribute('maxlength')");

        await AnnounceAsync(page, new string('x', 281));

        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("An announcement has at most 280 characters.");
        await Assertions.Expect(page.Locator("#Text")).ToHaveAttributeAsync("aria-invalid", "true");
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync(new string('x', 281));
        await AnnounceAsync(page, "Short enough");
        await Assertions.Expect(page.Locator("#problem")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#Text")).ToHaveAttributeAsync("aria-invalid", "false");
        await page.CloseAsync();
    }

    [Fact]
    public async Task Only_what_is_new_is_spoken()
    {
        await AnnounceAsync("There before");
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/");
        await Assertions.Expect(Texts(page).First).ToHaveTextAsync("There before");
        await page.WaitForTimeoutAsync(1_000); // longer than it waits for more to come
        await Assertions.Expect(page.Locator("#newest")).ToHaveTextAsync("");

        await AnnounceAsync(page, "News");

        await Assertions.Expect(page.Locator("#newest")).ToHaveTextAsync("News");
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/announcements")]
    public async Task Without_scripts_the_form_still_posts_and_says_why_not(string path)
    {
        await using var profile = await browser.NewContextAsync(new() { JavaScriptEnabled = false });
        var page = await profile.NewPageAsync();
        await page.GotoAsync(app.Url + path);

        await AnnounceAsync(page, "   ");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("Write something first.");
        await AnnounceAsync(page, $"Written at {path}");
        await Assertions.Expect(page.Locator("#problem")).ToHaveTextAsync("");
        await Assertions.Expect(Texts(page).First).ToHaveTextAsync($"Written at {path}");

        var reader = await OpenAsync();
        await Assertions.Expect(Texts(reader).First).ToHaveTextAsync($"Written at {path}");
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
