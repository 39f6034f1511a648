using Comet.BrowserTests.Browsers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

/// <summary>The app under a path, behind a proxy that has other apps outside <c>/tools/</c>.</summary>
[Trait("Category", "Matrix")]
public class PathBaseTests(PathBaseTests.Tools tools, TestBrowsers browsers) : IClassFixture<PathBaseTests.Tools>
{
    [Theory]
    [InlineData("/")]
    [InlineData("/clock")]
    [InlineData("/vitals")]
    [InlineData("/announcements")]
    [InlineData("/_comet")]
    public async Task Every_page_goes_live_with_all_its_files(string path)
    {
        var page = await browsers.OpenTabAsync();
        var missing = new List<string>();
        page.Response += (_, response) => missing.AddRange(response.Status >= 400 ? [response.Url] : []);

        await page.GotoAsync(tools.Url + path, new() { WaitUntil = WaitUntilState.DOMContentLoaded });

        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        foreach (var link in await page.Locator("a[href^='/']").AllAsync())
        {
            Assert.StartsWith("/tools/", await link.GetAttributeAsync("href"), StringComparison.Ordinal);
        }
        Assert.Empty(missing);
        await page.CloseAsync();
    }

    [Fact]
    public async Task Every_stream_of_the_first_page_arrives()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(tools.Url + "/");

        await Assertions.Expect(page.Locator("#clock")).Not.ToHaveTextAsync("--:--:--");
        await Assertions.Expect(page.Locator("#cpu")).Not.ToHaveTextAsync("-");
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_announced_arrives(bool runsScripts)
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(tools.Url + "/announcements");
        var text = $"Scripts: {runsScripts}";
        if (!runsScripts)
        {
            // What the page's script does not handle, the browser posts.
            await page.EvaluateAsync("""
                () => document.getElementById('form').addEventListener('submit', event => event.stopImmediatePropagation(), true)
                """);
        }

        await page.FillAsync("#Text", text);
        await page.ClickAsync("form button");

        await Assertions.Expect(page.Locator("#announcements li p").First).ToHaveTextAsync(text);
        Assert.EndsWith("/tools/announcements", page.Url, StringComparison.Ordinal);
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_there_has_a_page_that_leads_back()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(tools.Url + "/nothing-here");

        await page.ClickAsync("main a");

        await page.WaitForURLAsync(tools.Url + "/");
        await page.CloseAsync();
    }

    /// <summary>The app, at <c>/tools</c>.</summary>
    public sealed class Tools : IAsyncDisposable
    {
        private readonly App _app = new(services => services.AddSingleton<IStartupFilter, Proxied>());

        /// <summary>Without a slash at the end.</summary>
        public string Url => _app.Url + "/tools";

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }

    private sealed class Proxied : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UsePathBase("/tools");
            app.Use((context, rest) =>
            {
                if (context.Request is { PathBase.HasValue: true, Path.HasValue: true })
                {
                    return rest(context);
                }
                context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
                return Task.CompletedTask;
            });
            next(app);
        };
    }
}
