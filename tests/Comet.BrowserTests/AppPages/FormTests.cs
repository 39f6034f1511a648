using System.Net;
using System.Security.Claims;
using System.Text.RegularExpressions;
using Comet.BrowserTests.Browsers;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
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
        Assert.Contains(429, statuses[20..]);

        // The limit gives a place every three seconds, so the last of them and the form may find one: it gets the answer that was
        // just seen.
        await page.RouteAsync("**/announcements", route =>
            route.Request.Method == "POST" ? route.FulfillAsync(new() { Status = 429 }) : route.ContinueAsync());
        await page.FillAsync("#Text", "One more");
        await page.ClickAsync("form button");

        await Assertions.Expect(page.Locator("#problem")).ToContainTextAsync("Your message is still here");
        await Assertions.Expect(page.Locator("#Text")).ToHaveValueAsync("One more");
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("http", "", "^\\.AspNetCore\\.Antiforgery\\.[^;]*; path=/; samesite=strict; httponly$")]
    [InlineData("https", "", "^__Host-\\.AspNetCore\\.Antiforgery\\.[^;]*; path=/; secure; samesite=strict; httponly$")]
    [InlineData("http", "Name=form", "^form=[^;]*; path=/; samesite=strict; httponly$")]
    [InlineData("https", "Name=form", "^__Host-form=[^;]*; path=/; secure; samesite=strict; httponly$")]
    [InlineData("https", "Name=__Host-form", "^__Host-form=[^;]*; path=/; secure; samesite=strict; httponly$")]
    [InlineData("https", "Name=__Secure-form", "^__Secure-form=[^;]*; path=/; secure; samesite=strict; httponly$")]
    [InlineData("https", "Name=form Domain=example.com", "^form=[^;]*; domain=example.com; path=/; secure; samesite=strict; httponly$")]
    [InlineData("https", "Name=form Path=/announcements", "^form=[^;]*; path=/announcements; secure; samesite=strict; httponly$")]
    [InlineData("https", "SameSite=Lax HttpOnly=false Extensions:0=Partitioned", "; path=/; secure; samesite=lax; Partitioned$")]
    [InlineData("https", "MaxAge=1:00:00", "; max-age=3600; path=/; secure; samesite=strict; httponly$")]
    [InlineData("https", "SecurePolicy=Always", "^__Host-.*; secure; ")]
    [InlineData("http", "Name=form", "^form=[^;]*; path=/; samesite=strict; httponly$", true)]
    [InlineData("https", "Name=form", "^__Host-form=[^;]*; path=/; secure; samesite=strict; httponly$", true)]
    [InlineData("https", "Name=form Path=/announcements", "^form=[^;]*; path=/announcements; secure; samesite=strict; httponly$", true)]
    [InlineData(
        "https",
        "SameSite=Lax MaxAge=1:00:00 Extensions:0=Partitioned",
        "; max-age=3600; path=/; secure; samesite=lax; httponly; Partitioned$",
        true)]
    public async Task The_cookie_of_the_form_is_as_the_owner_set_it_and_bound_to_the_host_where_HTTPS_allows_it(
        string scheme, string settings, string expected, bool isSetLater = false)
    {
        await using var app = new App(services => services
            .AddSingleton<IStartupFilter>(new With(context => context.Request.Scheme = scheme))
            .AddAntiforgery(options => Set(options.Cookie, isSetLater ? "" : settings))
            .PostConfigure<AntiforgeryOptions>(options => Set(options.Cookie, isSetLater ? settings : "")));
        using var client = CreateClient(app);

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

    [Theory]
    [InlineData("id=1 name=Ann", "id=1 name=Bob", true)]
    [InlineData("id=1 name=Ann", "id=2 name=Ann", false)]
    [InlineData("sub=1 name=Ann", "sub=1 name=Bob", true)]
    [InlineData("sub=1 name=Ann", "sub=2 name=Ann", false)]
    [InlineData("id=1 sub=3", "id=2 sub=3", false)]
    [InlineData("name=Ann", "name=Bob", false)]
    [InlineData("", "", true)]
    [InlineData("name=127.0.0.1", "", false)]
    public async Task Who_posts_too_often_is_told_by_the_rule_that_counts_streams(string first, string second, bool isOneVisitor)
    {
        await using var app = new App(services => services.AddSingleton<IStartupFilter>(new With(SignIn)));
        using var client = CreateClient(app);
        for (var last = HttpStatusCode.BadRequest; last != HttpStatusCode.TooManyRequests;)
        {
            last = await PostAsync(first);
            Assert.True(last is HttpStatusCode.BadRequest or HttpStatusCode.TooManyRequests, $"{last}");
        }

        // The limit gives a place every three seconds, so one of these may find one.
        HttpStatusCode[] others = [await PostAsync(second), await PostAsync(second), await PostAsync(second)];

        Assert.Equal(isOneVisitor, others.Contains(HttpStatusCode.TooManyRequests));

        async Task<HttpStatusCode> PostAsync(string claims)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/announcements") { Headers = { { "X-Claims", claims } } };
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }

        static void SignIn(HttpContext context)
        {
            var claims = Pairs(context.Request.Headers["X-Claims"].ToString())
                .Select(pair => new Claim(TypeOf(pair.Name), pair.Value))
                .ToList();
            context.User = new ClaimsPrincipal(new ClaimsIdentity(claims, claims.Count > 0 ? "Test" : null));
        }

        static string TypeOf(string name) => name switch
        {
            "id" => ClaimTypes.NameIdentifier,
            "name" => ClaimTypes.Name,
            _ => name,
        };
    }

    [Fact]
    public async Task Without_scripts_who_posts_too_often_gets_a_page_that_says_so()
    {
        await using var app = new App();
        using var client = CreateClient(app);
        var (status, retry, page) = (HttpStatusCode.BadRequest, "", "");
        while (status == HttpStatusCode.BadRequest)
        {
            using var response = await client.PostAsync("/announcements", new FormUrlEncodedContent([]));
            (status, retry, page) = (response.StatusCode, $"{response.Headers.RetryAfter}", await response.Content.ReadAsStringAsync());
        }

        Assert.Equal((HttpStatusCode.TooManyRequests, "3"), (status, retry));
        Assert.Contains("<h1>That is a lot at once</h1>", page, StringComparison.Ordinal);
        Assert.Contains("Wait a few seconds, go back and try again.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_another_site_posts_uses_up_nothing_of_the_visitor()
    {
        await using var app = new App();
        using var client = CreateClient(app);
        for (var status = HttpStatusCode.BadRequest; status != HttpStatusCode.TooManyRequests;)
        {
            status = await PostAsync("https://another.example");
        }

        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(app.Url)); // for want of a token

        async Task<HttpStatusCode> PostAsync(string origin)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/announcements") { Headers = { { "Origin", origin } } };
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }
    }

    private static HttpClient CreateClient(App app) =>
        new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Url) };

    private static void Set(CookieBuilder cookie, string settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(Pairs(settings).Select(pair => KeyValuePair.Create(pair.Name, (string?)pair.Value)))
        .Build()
        .Bind(cookie);

    private static IEnumerable<(string Name, string Value)> Pairs(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => (pair[0], pair[1]));

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]*)\"")]
    private static partial Regex Token();

    /// <summary>Does something with each request before the app does.</summary>
    private sealed class With(Action<HttpContext> prepare) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                prepare(context);
                return rest(context);
            });
            next(app);
        };
    }
}
