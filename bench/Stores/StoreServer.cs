using Comet.AspNetCore;

namespace CometBench.Stores;

/// <summary>The server that is killed: numbers are published to it and read from it.</summary>
internal static class StoreServer
{
    internal const string Feed = "numbers";

    /// <summary>It in a process of its own, with a SQLite file.</summary>
    internal static ServerProcess Child(string database, params string[] arguments) => new(
        [typeof(StoreServer).Assembly.Location, "serve"],
        ServerProcess.FreeAddress(),
        ["--ConnectionStrings:Comet", $"Data Source={database}", .. arguments]);

    internal static void Run(string[] args)
    {
        var builder = BenchHost.CreateBuilder(args);
        Add(builder);
        var app = builder.Build();
        app.MapGet("/sub", (Feed<string> feed) => CometResults.Feed(feed, "parent.cometMessage"));
        app.MapControls("/pub", async (context, message) =>
        {
            var position = await context.RequestServices.GetRequiredService<Feed<string>>().PublishAsync(message, context.RequestAborted);
            context.Response.Headers["Position"] = position.ToString();
        });
        app.RunUntilParentEnds();
    }

    /// <summary>The store that <c>--store</c> names, and a feed that keeps <c>--retain</c> messages.</summary>
    internal static void Add(WebApplicationBuilder builder)
    {
        builder.WebHost.UseCometTransport();
        builder.Services.AddComet();
        if (builder.Configuration["store"] != "memory")
        {
            builder.Services.AddCometSqlite();
        }
        builder.Services.AddFeed<string>(Feed, feed =>
        {
            feed.Retain = builder.Configuration.GetValue("retain", 10_000_000);
            feed.RetainBytes = 1L << 40;
            feed.RetainFor = TimeSpan.FromDays(1);
        });
    }
}
