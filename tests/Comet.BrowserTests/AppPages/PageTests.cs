using System.Net;
using System.Text.RegularExpressions;
using Comet.BrowserTests.Browsers;
using CometApp.Feeds;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

public partial class PageTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    [Theory]
    [InlineData(BrowserKind.Chromium, "/")]
    [InlineData(BrowserKind.Chromium, "/vitals")]
    [InlineData(BrowserKind.Chromium, "/announcements")]
    [InlineData(BrowserKind.Firefox, "/", Traits = ["Category", "Matrix"])]
    public async Task Finishes_loading_and_then_goes_live(BrowserKind kind, string path)
    {
        var page = await browsers.OpenTabAsync(kind);

        await page.GotoAsync(app.Url + path, new() { WaitUntil = WaitUntilState.Load });

        await page.WaitForSelectorAsync("#connection[data-state=live]");
        Assert.Equal("complete", await page.EvaluateAsync<string>("() => document.readyState"));
        Assert.Equal("Live", await page.InnerTextAsync("#connection"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_a_page_closes_itself_is_said_as_well()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(app.Url + "/vitals");
        await page.WaitForSelectorAsync("#connection[data-state=live]");

        await page.EvaluateAsync("""
            () => {
              window.own = new CometSource('/announcements/stream');
              showConnection(own);
            }
            """);
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        await page.EvaluateAsync("() => own.close()");

        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Closed");
        await Assertions.Expect(page.Locator("#cpu-chart").Locator("..")).ToHaveAttributeAsync("data-stale", Since());
        await page.EvaluateAsync("() => own.reconnect()");
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_there_logs_no_error_but_its_status()
    {
        var page = await browsers.OpenTabAsync();
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) => errors.AddRange(message.Type == "error" ? [message.Text] : []);

        await page.GotoAsync(app.Url + "/nothing-here", new() { WaitUntil = WaitUntilState.Load });

        Assert.Contains("404", Assert.Single(errors), StringComparison.Ordinal);
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("/owner")]
    [InlineData("/owner/stream")]
    [InlineData("/owner/posted")]
    [InlineData("/owner/both")]
    [InlineData("/owner/two", "its own")]
    [InlineData("/owner/items/42", "42")]
    [InlineData("/owner/items/first")]
    public async Task What_an_owner_adds_answers_HEAD_like_GET(string path, string? own = null)
    {
        await using var owned = new App(services => services.AddControllers().AddApplicationPart(typeof(OwnersController).Assembly));
        using var client = owned.CreateClient();
        using var get = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        using var head = await client.SendAsync(new(HttpMethod.Head, path), TestContext.Current.CancellationToken);

        Assert.Equal(get.StatusCode, head.StatusCode);
        Assert.Equal(own, head.Headers.TryGetValues("X-Head", out var values) ? values.Single() : null);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_action_that_throws_is_500_and_the_page_of_it_is_404_to_those_who_ask_for_it()
    {
        await using var broken = new App(services => services.RemoveAll<Clock>());
        using var client = broken.CreateClient();

        using var thrown = await client.GetAsync("/clock/stream", TestContext.Current.CancellationToken);
        using var asked = await client.GetAsync("/error/500", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.InternalServerError, thrown.StatusCode);
        var page = await thrown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("on our side", page, StringComparison.Ordinal);
        Assert.Contains("Unable to resolve service", page, StringComparison.Ordinal); // what Development shows
        Assert.Equal(HttpStatusCode.NotFound, asked.StatusCode);
        var nothing = await asked.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("nothing here", nothing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("HEAD", "/")]
    [InlineData("GET", "/clock")]
    [InlineData("GET", "/vitals")]
    [InlineData("GET", "/announcements")]
    [InlineData("HEAD", "/announcements")]
    [InlineData("POST", "/announcements")] // 400, as it has no token
    [InlineData("GET", "/nothing-here")]
    public async Task Every_page_may_be_kept_for_the_Back_button(string method, string path)
    {
        using var client = app.CreateClient();

        using var page = await client.SendAsync(new(new HttpMethod(method), path), TestContext.Current.CancellationToken);

        Assert.Equal("no-cache, private", $"{page.Headers.CacheControl}");
        Assert.Empty(page.Headers.Pragma);
    }

    [GeneratedRegex(@"^stale since \d\d:\d\d:\d\d$")]
    private static partial Regex Since();
}
