using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Streams;

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
        await Task.Yield();
        Assert.Equal(1, app.OpenStreams);
        _time.Advance(TimeSpan.FromSeconds(1));

        var end = Assert.Single(await stream.RestAsync());
        Assert.Equal("authentication-expired", end.Reason);
        Assert.NotNull(end.Retry); // whoever has a new cookie by then comes back, and anybody else is refused
        using var refused = await app.GetAsync(path, ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
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
            Assert.Equal(status == 401 ? "This stream is for signed-in users." : "This stream is not for this user.", await answer.Content.ReadAsStringAsync());
        }
        await (status == 200 ? Task.CompletedTask : app.NoStreamIsOpenAsync());
    }

    private Task<TestApp> StartAsync() => TestApp.StartAsync(
        app =>
        {
            app.MapGet("/sign-in/{role}", async (string role, Microsoft.AspNetCore.Http.HttpContext context) =>
            {
                var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, "anna"), new Claim(ClaimTypes.Role, role)], "test");
                await context.SignInAsync(new ClaimsPrincipal(identity), new() { IsPersistent = true });
            });
            app.MapGet("/open", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/authorized", [Authorize] (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/sequence", [Authorize] (CancellationToken cancellation) => CometResults.String(Nothing(cancellation), "parent.f"));
            app.MapGet("/restricted", ([FromKeyedServices("restricted")] Feed<int> feed) => CometResults.Feed(feed, "parent.f"));
        },
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Configuration["Comet:Heartbeat"] = "01:00:00";
            builder.Services.AddFeed<string>("news");
            builder.Services.AddFeed<int>("restricted", feed => feed.AuthorizationPolicy = "editors");
            builder.Services.AddAuthorizationBuilder().AddPolicy("editors", policy => policy.RequireRole("editor"));
            builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
            {
                cookie.ExpireTimeSpan = TimeSpan.FromMinutes(1);
                cookie.SlidingExpiration = false;
                cookie.Events.OnRedirectToLogin = context => Answer(context, HttpStatusCode.Unauthorized);
                cookie.Events.OnRedirectToAccessDenied = context => Answer(context, HttpStatusCode.Forbidden);
            });
        });

    private static Task Answer(RedirectContext<CookieAuthenticationOptions> context, HttpStatusCode status)
    {
        context.Response.StatusCode = (int)status;
        return Task.CompletedTask;
    }

    private static async Task<string> SignInAsync(TestApp app, string role)
    {
        using var answer = await app.GetAsync("/sign-in/" + role);
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static Task<TestStream> OpenAsync(TestApp app, string path, string cookie) =>
        TestStream.OpenAsync(app.Client, path, CometFormat.ScriptTags, null, cookie);

    private static async IAsyncEnumerable<string> Nothing([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        yield break;
    }
}
