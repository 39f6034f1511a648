using System.Net;
using System.Runtime.CompilerServices;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Pages of other sites, which CORS policies of the app let in.</summary>
public class CrossOriginTests
{
    private const string Partner = "https://partner.example";

    public static TheoryData<string, string?, int> Requests => new(
        from path in (string[])["/named", "/own", "/attribute", "/default", "/feed"]
        from request in ((string? Origin, int Status)[])
        [
            (Partner, StatusCodes.Status200OK),
            ("https://other.example", StatusCodes.Status403Forbidden),
            ("null", StatusCodes.Status403Forbidden),
            (null, StatusCodes.Status403Forbidden), // a frame
        ]
        select new TheoryDataRow<string, string?, int>(path, request.Origin, request.Status));

    [Theory, MemberData(nameof(Requests))]
    public async Task Those_of_an_origin_that_the_policy_allows_get_a_stream_and_may_read_it(string path, string? origin, int status)
    {
        await using var app = await StartAsync();

        using var answer = await app.GetAsync(path, [("Sec-Fetch-Site", "cross-site"), .. Origin(origin)]);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status == StatusCodes.Status200OK ? Partner : null, AllowedOriginOf(answer));
    }

    [Theory]
    [InlineData("/disabled")]
    [InlineData("/default")]
    public async Task Without_a_policy_none_gets_a_stream(string path)
    {
        await using var app = await StartAsync(hasDefault: false);

        using var answer = await app.GetAsync(path, ("Sec-Fetch-Site", "cross-site"), ("Origin", Partner));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Null(AllowedOriginOf(answer));
    }

    [Fact]
    public async Task A_refusal_that_is_not_of_the_origin_may_be_read_too()
    {
        await using var app = await StartAsync();

        using var answer = await app.GetAsync("/feed?lastEventId=x", ("Sec-Fetch-Site", "cross-site"), ("Origin", Partner));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(Partner, AllowedOriginOf(answer));
    }

    [Fact]
    public async Task Names_of_feeds_that_come_by_post_are_read()
    {
        await using var app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/feeds");
        request.Content = new FormUrlEncodedContent([new("feed", "news")]);
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        request.Headers.Add("Origin", Partner);

        using var answer = await app.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken).WithPatience();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Partner, AllowedOriginOf(answer));
    }

    [Theory]
    [InlineData("/named")]
    [InlineData("/default")]
    [InlineData("/feeds")]
    public async Task A_preflight_is_answered_by_the_app_and_takes_no_place(string path)
    {
        await using var app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        request.Headers.Add("Origin", Partner);
        request.Headers.Add("Access-Control-Request-Method", "GET");
        request.Headers.Add("Access-Control-Request-Headers", "authorization");

        using var answer = await app.Client.SendAsync(request, TestContext.Current.CancellationToken).WithPatience();

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(Partner, AllowedOriginOf(answer));
        Assert.Equal("authorization", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Headers")));
        Assert.Equal(0, app.OpenStreams);
    }

    [Fact]
    public async Task An_app_without_CORS_lets_in_none()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Quiet(), "parent.f")));

        using var answer = await app.GetAsync("/", ("Sec-Fetch-Site", "cross-site"), ("Origin", Partner));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    private static Task<TestApp> StartAsync(bool hasDefault = true) => TestApp.StartAsync(
        app =>
        {
            app.UseCors();
            app.MapGet("/named", () => CometResults.String(Quiet(), "parent.f")).RequireCors("partner");
            app.MapGet("/own", () => CometResults.String(Quiet(), "parent.f")).RequireCors(policy => policy.WithOrigins(Partner));
            app.MapGet("/attribute", [EnableCors("partner")] () => CometResults.String(Quiet(), "parent.f"));
            app.MapGet("/default", () => CometResults.String(Quiet(), "parent.f"));
            app.MapGet("/disabled", [DisableCors] () => CometResults.String(Quiet(), "parent.f"));
            app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f")).RequireCors("partner");
            app.MapMethods("/feeds", ["GET", "POST"], (Feed<string> news) => CometResults.Feeds([news], "parent.f")).RequireCors("partner");
        },
        builder =>
        {
            builder.Services.AddFeed<string>("news");
            builder.Services.AddCors(cors =>
            {
                cors.AddPolicy("partner", policy => policy.WithOrigins(Partner).AllowAnyHeader().AllowCredentials());
                if (hasDefault)
                {
                    cors.AddDefaultPolicy(policy => policy.WithOrigins(Partner).AllowAnyHeader());
                }
            });
        });

    private static (string Name, string Value)[] Origin(string? origin) => origin is null ? [] : [("Origin", origin)];

    private static string? AllowedOriginOf(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? Assert.Single(values) : null;

    private static async IAsyncEnumerable<string> Quiet([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        yield break;
    }
}
