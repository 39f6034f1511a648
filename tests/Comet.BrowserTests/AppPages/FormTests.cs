using System.Net;
using System.Text.RegularExpressions;
using Comet.BrowserTests.Browsers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

/// <summary>What keeps the form from being abused, and its cookie.</summary>
public partial class FormTests(TestBrowsers browsers)
{
    [Fact]
    public async Task Who_announces_too_often_is_told_and_keeps_the_text()
    {
        await using var app = new App();
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(app.Url + "/announcements");
        var statuses = await page.EvaluateAsync<int[]>("""
            async () => {
              const statuses = [];
              for (let i = 0; i < 40; i++) {
                const body = new FormData(document.getElementById('form'));
                body.set('Text', `${i}`);
                statuses.push((await fetch('/announcements', { method: 'POST', body })).status);
              }
              return statuses;
            }
            """);
        Assert.All(statuses[..20], status => Assert.Equal(200, status));
        Assert.Equal(429, statuses[^1]);

        // The limit gives a place every three seconds, so the form may find one: it gets the answer that was just seen.
        await page.RouteAsync("**/announcements", route =>
            route.Request.Method == "POST" ? route.FulfillAsync(new() { Status = statuses[^1] }) : route.ContinueAsync());
        await page.FillAsync("#Text", "One more");
        await page.ClickAsync("form button");

        await Assertions.Expect(page.Locator("#problem")).ToContainTextAsync("Your announcement is still here");
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync("One more");
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("http", "^\\.AspNetCore\\.Antiforgery\\.[^;]*; path=/; samesite=strict; httponly$")]
    [InlineData("https", "^__Host-\\.AspNetCore\\.Antiforgery\\.[^;]*; path=/; secure; samesite=strict; httponly$")]
    public async Task The_cookie_of_the_form_is_bound_to_the_host_where_it_is_served_by_HTTPS(string scheme, string expected)
    {
        await using var app = new App(services => services.AddSingleton<IStartupFilter>(new Served(scheme)));
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Url) };

        using var page = await client.GetAsync("/announcements");
        var cookie = Assert.Single(page.Headers.GetValues("Set-Cookie"));
        Assert.Matches(expected, cookie);
        Assert.Equal("no-cache, private", page.Headers.CacheControl?.ToString());
        var token = Token().Match(await page.Content.ReadAsStringAsync()).Groups[1].Value;
        using var form = new FormUrlEncodedContent([new("Text", scheme), new("__RequestVerificationToken", token)]);
        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);

        using var posted = await client.PostAsync("/announcements", form);

        Assert.Equal(HttpStatusCode.Found, posted.StatusCode);
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]*)\"")]
    private static partial Regex Token();

    private sealed class Served(string scheme) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                context.Request.Scheme = scheme;
                return rest(context);
            });
            next(app);
        };
    }
}
