using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Who may read, and for how long.</summary>
public class AuthorizationTests
{
    private readonly ManualTime _time = new();

    public static TheoryData<string> Streams => ["/authorized", "/sequence", "/restricted"];

    [Theory, MemberData(nameof(Streams))]
    public async Task A_stream_ends_within_a_second_of_its_cookie(string path)
    {
        await using var app = await StartAsync();
        var cookie = await SignInAsync(app, "editor");
        await using var stream = await OpenAsync(app, path, cookie);
        await stream.NextAsync(CometMessageKind.Open);

        _time.Advance(TimeSpan.FromSeconds(59.9));
        for (var i = 0; i < 2; i++) // an end that came too soon would be between the two at the latest
        {
            await app.PublishAsync("still here");
            await app.Services.GetRequiredKeyedService<Feed<int>>("restricted").PublishAsync(1);
            await stream.NextAsync(CometMessageKind.Message);
        }
        _time.Advance(TimeSpan.FromSeconds(1));

        var end = Assert.Single(await stream.RestAsync());
        Assert.Equal("authentication-expired", end.Reason);
        Assert.NotNull(end.Retry); // whoever has a new cookie by then comes back, and anybody else is rejected
        using var rejected = await app.GetAsync(path, ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
    }

    [Fact]
    public async Task A_policy_of_another_scheme_asks_for_its_sign_in_and_ends_with_it()
    {
        await using var app = await StartAsync();
        var usual = await SignInAsync(app, "editor");
        _time.Advance(TimeSpan.FromSeconds(30));
        var badge = await SignInAsync(app, "editor", scheme: "Badge"); // for a minute, too, which is now another
        using var rejected = await app.GetAsync("/badges", ("Cookie", usual));
        Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        await using var stream = await OpenAsync(app, "/badges", $"{usual}; {badge}");
        await stream.NextAsync(CometMessageKind.Open);

        _time.Advance(TimeSpan.FromSeconds(59.9));
        var badges = app.Services.GetRequiredKeyedService<Feed<int>>("badges");
        for (var i = 0; i < 2; i++) // an end that came too soon would be between the two at the latest
        {
            await badges.PublishAsync(1);
            await stream.NextAsync(CometMessageKind.Message);
        }
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("authentication-expired", Assert.Single(await stream.RestAsync()).Reason);
    }

    [Fact]
    public async Task A_user_whom_a_policy_finds_is_counted_as_the_user_whatever_the_address_has()
    {
        await using var app = await StartAsync(("MaxStreamsPerAddress", "1"), ("MaxStreamsPerUser", "1"));
        var badge = await SignInAsync(app, "editor", scheme: "Badge");
        await using (var first = await OpenAsync(app, "/badges", badge))
        {
            await using var nobody = await app.OpenAsync("/open"); // the address has its place still
            using var second = await app.GetAsync("/badges", ("Cookie", badge));
            Assert.Equal((200, 429), ((int)nobody.Response.StatusCode, (int)second.StatusCode));
        }
        await app.NoStreamIsOpenAsync();

        await using var another = await app.OpenAsync("/open");
        await using var again = await OpenAsync(app, "/badges", badge);
        using var withoutBadge = await app.GetAsync("/badges");

        Assert.Equal((200, 401), ((int)again.Response.StatusCode, (int)withoutBadge.StatusCode));
        Assert.Equal(2, app.OpenStreams);
    }

    [Fact]
    public async Task A_stream_without_a_user_does_not_end()
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/open");
        await stream.NextAsync(CometMessageKind.Open);

        _time.Advance(TimeSpan.FromDays(1));
        await app.PublishAsync("still here");

        Assert.Equal("still here", (await stream.UntilAsync(message => message.Kind != CometMessageKind.Heartbeat)).Value.GetString());
    }

    [Theory]
    [InlineData("/authorized", null, 401)]
    [InlineData("/authorized", "reader", 200)]
    [InlineData("/sequence", null, 401)]
    [InlineData("/sequence", "reader", 200)]
    [InlineData("/restricted", null, 401)]
    [InlineData("/restricted", "reader", 403)]
    [InlineData("/restricted", "editor", 200)]
    public async Task A_stream_is_for_whom_the_action_or_the_feed_says(string path, string? role, int status)
    {
        await using var app = await StartAsync();
        var cookie = role is null ? "" : await SignInAsync(app, role);

        using var answer = await app.GetAsync(path, ("Cookie", cookie));

        Assert.Equal(status, (int)answer.StatusCode);
        if (path == "/restricted" && status != 200)
        {
            Assert.Equal(
                status == 401 ? "This stream is for signed-in users." : "This stream is not for this user.",
                await answer.Content.ReadAsStringAsync());
        }
        await (status == 200 ? Task.CompletedTask : app.NoStreamIsOpenAsync());
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task A_stream_says_by_a_name_that_is_nobodys_for_which_user_it_is(string path)
    {
        await using var app = await StartAsync();
        var (anna, again, bert) = (
            await AudienceAsync(await SignInAsync(app, "editor")),
            await AudienceAsync(await SignInAsync(app, "editor")),
            await AudienceAsync(await SignInAsync(app, "editor?name=bert")));

        Assert.Matches("^[A-Za-z0-9_-]{16}$", anna);
        Assert.Equal(anna, again);
        Assert.NotEqual(anna, bert);
        Assert.DoesNotContain("audience", await OpenAsync("/open", cookie: ""), StringComparison.Ordinal);

        async Task<string> AudienceAsync(string cookie) =>
            JsonDocument.Parse(await OpenAsync(path, cookie)).RootElement.GetProperty("audience").GetString()!;

        async Task<string> OpenAsync(string stream, string cookie)
        {
            using var answer = await app.GetAsync(stream + "?wait=0", ("Cookie", cookie), ("Accept", "application/x-ndjson"));
            return (await answer.Content.ReadAsStringAsync()).Split('\n')[0];
        }
    }

    private Task<TestApp> StartAsync(params (string Name, string Value)[] limits) => TestApp.StartAsync(
        app =>
        {
            app.MapGet("/sign-in/{scheme}/{role}", async (string scheme, string role, string? name, HttpContext context) =>
            {
                var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name ?? "anna"), new Claim(ClaimTypes.Role, role)], "test");
                await context.SignInAsync(scheme, new ClaimsPrincipal(identity), new() { IsPersistent = true });
            });
            app.MapGet("/open", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/authorized", [Authorize] (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/sequence", [Authorize] (Feed<string> news) => CometResults.String(
                news.ReadAsync().Select(message => message.Value), "parent.f"));
            app.MapGet("/restricted", ([FromKeyedServices("restricted")] Feed<int> feed) => CometResults.Feed(feed, "parent.f"));
            app.MapGet("/badges", ([FromKeyedServices("badges")] Feed<int> feed) => CometResults.Feed(feed, "parent.f"));
        },
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Configuration["Comet:Heartbeat"] = "01:00:00";
            foreach (var (name, value) in limits)
            {
                builder.Configuration["Comet:" + name] = value;
            }
            builder.Services.AddFeed<string>("news");
            builder.Services.AddFeed<int>("restricted", feed => feed.AuthorizationPolicy = "editors");
            builder.Services.AddFeed<int>("badges", feed => feed.AuthorizationPolicy = "badge holders");
            builder.Services.AddAuthorizationBuilder()
                .AddPolicy("editors", policy => policy.RequireRole("editor"))
                .AddPolicy("badge holders", policy => policy.AddAuthenticationSchemes("Badge").RequireAuthenticatedUser());
            builder.Services.AddAuthentication("Usual").AddCookie("Usual", ForAMinute).AddCookie("Badge", ForAMinute);
        });

    private static void ForAMinute(CookieAuthenticationOptions cookie)
    {
        cookie.ExpireTimeSpan = TimeSpan.FromMinutes(1);
        cookie.SlidingExpiration = false;
        cookie.Events.OnRedirectToLogin = context => Answer(context, HttpStatusCode.Unauthorized);
        cookie.Events.OnRedirectToAccessDenied = context => Answer(context, HttpStatusCode.Forbidden);
    }

    private static Task Answer(RedirectContext<CookieAuthenticationOptions> context, HttpStatusCode status)
    {
        context.Response.StatusCode = (int)status;
        return Task.CompletedTask;
    }

    private static async Task<string> SignInAsync(TestApp app, string role, string scheme = "Usual")
    {
        using var answer = await app.GetAsync($"/sign-in/{scheme}/{role}");
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static Task<TestStream> OpenAsync(TestApp app, string path, string cookie) =>
        TestStream.OpenAsync(app.Client, path, CometFormat.ScriptTags, null, cookie);
}
