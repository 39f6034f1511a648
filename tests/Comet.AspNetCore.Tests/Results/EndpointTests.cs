using System.Net;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>What endpoints that stream say of themselves, and which middleware leaves them alone.</summary>
public class EndpointTests
{
    internal static readonly TimeSpan Late = TimeSpan.FromMilliseconds(600);

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMilliseconds(300);

    public static TheoryData<string> Streams =>
        ["/now", "/task", "/value-task", "/actions/now", "/actions/task", "/actions/value-task", "/actions/also", "/api/now"];

    [Theory, MemberData(nameof(Streams))]
    public async Task Output_caching_serves_two_visitors_of_one_stream(string path)
    {
        await using var app = await StartAsync(AddOutputCache, app => app.UseOutputCache());
        await using var one = await app.OpenAsync(path).WithPatience();
        await using var two = await app.OpenAsync(path).WithPatience();
        await one.NextAsync(CometMessageKind.Open);
        await two.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("message");

        Assert.Equal("message", await one.NextStringAsync());
        Assert.Equal("message", await two.NextStringAsync());
    }

    [Fact]
    public Task Output_caching_keeps_no_stream_that_has_ended() => AnswersAnewAsync(AddOutputCache, app => app.UseOutputCache());

    [Fact]
    public Task Response_caching_keeps_no_stream_that_has_ended() =>
        AnswersAnewAsync(services => services.AddResponseCaching(), app => app.UseResponseCaching());

    [Theory]
    [InlineData("/sequence")]
    [InlineData("/late")]
    [InlineData("/actions/late")]
    public async Task A_request_timeout_cuts_no_stream(string path)
    {
        await using var app = await StartAsync(
            services => services.AddRequestTimeouts(
                timeouts => timeouts.DefaultPolicy = new RequestTimeoutPolicy { Timeout = RequestTimeout }),
            app => app.UseRequestTimeouts());
        await using var stream = await app.OpenAsync(path);
        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
        await stream.NextAsync(CometMessageKind.Open);

        await Task.Delay(RequestTimeout * 2);
        await app.PublishAsync("still here");

        Assert.Equal("still here", await stream.NextStringAsync());
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task A_description_of_the_api_lists_the_content_types(string path)
    {
        await using var app = await StartAsync(_ => { }, _ => { });

        var groups = app.Services.GetRequiredService<IApiDescriptionGroupCollectionProvider>().ApiDescriptionGroups.Items;
        var description = Assert.Single(groups.SelectMany(group => group.Items), item => item.RelativePath == path[1..]);

        var response = Assert.Single(description.SupportedResponseTypes, response => response.StatusCode == 200);
        Assert.Equal(typeof(string), response.Type);
        Assert.Equal(
            ["application/x-ndjson", "text/event-stream", "text/html"],
            response.ApiResponseFormats.Select(format => format.MediaType).Order());
    }

    [Fact]
    public async Task Other_endpoints_are_as_they_were()
    {
        await using var app = await StartAsync(_ => { }, _ => { });

        var others = app.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .Where(endpoint => endpoint.DisplayName!.Contains("text", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.Equal(2, others.Count); // a minimal API and an action
        Assert.All(others, endpoint => Assert.Null(endpoint.Metadata.GetMetadata<DisableRequestTimeoutAttribute>()));
    }

    [Fact]
    public void A_result_tells_its_status()
    {
        var result = CometResults.String(AsyncEnumerable.Empty<string>(), "parent.f");

        Assert.Equal(200, Assert.IsType<IStatusCodeHttpResult>(result, exactMatch: false).StatusCode);
    }

    private static void AddOutputCache(IServiceCollection services) =>
        services.AddOutputCache(cache => cache.AddBasePolicy(policy => policy.Expire(TimeSpan.FromSeconds(10))));

    private static async Task AnswersAnewAsync(Action<IServiceCollection> add, Action<WebApplication> use)
    {
        await using var app = await StartAsync(add, use);
        for (var visit = 1; visit <= 2; visit++)
        {
            await using var stream = await app.OpenAsync("/visits");
            await stream.NextAsync(CometMessageKind.Open);
            Assert.Equal($"visit {visit}", await stream.NextStringAsync());
            await stream.RestAsync();
        }
    }

    private static Task<TestApp> StartAsync(Action<IServiceCollection> add, Action<WebApplication> use) => TestApp.StartAsync(
        app =>
        {
            app.UseRouting();
            use(app);
            var visits = 0;
            app.MapGet("/visits", () => CometResults.String(new[] { $"visit {++visits}" }.ToAsyncEnumerable(), "parent.f"));
            app.MapGet("/now", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/task", (Feed<string> news) => Task.FromResult(CometResults.Feed(news, "parent.f")));
            app.MapGet("/value-task", (Feed<string> news) => ValueTask.FromResult(CometResults.Feed(news, "parent.f")));
            app.MapGet("/late", async (Feed<string> news, CancellationToken cancellation) =>
            {
                await Task.Delay(Late, cancellation);
                return CometResults.Feed(news, "parent.f");
            });
            app.MapGet("/sequence", (Feed<string> news) =>
                CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            app.MapGet("/text", () => "text");
            app.MapControllers();
        },
        builder =>
        {
            builder.Services.AddFeed<string>("news");
            builder.Services.AddControllers().AddApplicationPart(typeof(StreamsController).Assembly);
            builder.Services.AddEndpointsApiExplorer();
            add(builder.Services);
        });
}
