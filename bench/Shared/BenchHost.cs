using System.Security.Cryptography.X509Certificates;

namespace CometBench;

/// <summary>What all servers under test have in common, so that only the streaming differs.</summary>
internal static class BenchHost
{
    internal static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, EnvironmentName = Environments.Production });
        builder.Logging.ClearProviders(); // a logger keeps a scope and an activity for every open request
        builder.Services.AddHealthChecks();
        var certificate = new Lazy<X509Certificate2>(BenchCertificate.Create);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureHttpsDefaults(https => https.ServerCertificateSelector = (_, _) => certificate.Value);
        });
        return builder;
    }

    /// <summary>Maps <c>POST /pub</c>, whose body is the message, and <c>POST /gc</c>.</summary>
    internal static void MapControls(this WebApplication app, string publishPath, Func<HttpContext, string, ValueTask> publish)
    {
        app.MapPost(publishPath, async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await publish(context, await reader.ReadToEndAsync(context.RequestAborted));
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        app.MapPost("/gc", () =>
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            return TypedResults.NoContent();
        });
    }

    /// <summary>
    /// Says when it is ready, and runs until told to stop. A load client that died closes our standard input, and no server outlives it.
    /// </summary>
    internal static void RunUntilParentEnds(this WebApplication app)
    {
        if (app.Configuration.GetValue<bool>("until-stdin-closes"))
        {
            _ = Task.Factory.StartNew(
                () =>
                {
                    while (Console.In.Read() >= 0)
                    {
                    }
                    app.Lifetime.StopApplication();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
        app.MapHealthChecks("/health/ready");
        app.Run();
    }
}
