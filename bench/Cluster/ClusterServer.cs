using System.Globalization;
using Comet.AspNetCore;
using Comet.AspNetCore.Stores;

namespace CometBench.Cluster;

/// <summary>One of the servers that share a broker: numbers are published to it and read from it.</summary>
internal static class ClusterServer
{
    internal static void Run(string[] args)
    {
        var builder = BenchHost.CreateBuilder(args);
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.UseCometTransport();
        builder.Services.AddCometRabbitMQ();
        builder.Services.AddComet(comet =>
        {
            comet.MaxStreams = 1_000_000;
            comet.MaxStreamsPerAddress = 1_000_000;
        });
        AddFeed(builder);
        var app = builder.Build();
        app.MapGet("/sub", (Feed<string> feed) => CometResults.Feed(feed, "parent.cometMessage"));
        app.MapPost("/pub", async (HttpContext context, Feed<string> feed) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var message = await reader.ReadToEndAsync(context.RequestAborted);
            try
            {
                context.Response.Headers["Position"] = (await feed.PublishAsync(message, context.RequestAborted)).ToString();
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
            catch (FeedUnavailableException)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            }
        });
        app.MapStaticAssets();
        app.MapGet("/streams", (OpenStreams streams) => streams.Count.ToString(CultureInfo.InvariantCulture));
        app.MapGet("/", (HttpContext context) => TypedResults.Content(PageRun.Page, "text/html"));
        app.RunUntilParentEnds();
    }

    internal static void AddFeed(WebApplicationBuilder builder) => builder.Services.AddFeed<string>("numbers", feed =>
    {
        feed.Retain = 1_000_000;
        feed.RetainBytes = 1L << 30;
        feed.RetainFor = TimeSpan.FromDays(1);
    });
}
