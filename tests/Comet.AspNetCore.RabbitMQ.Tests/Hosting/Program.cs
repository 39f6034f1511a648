using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>Runs the tests; or, in a process of its own, a server that a test kills.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args) => args switch
    {
        [KillableServer.Command, var connectionString, var family] => KillableServer.ServeAsync(connectionString, family),
        _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") =>
            TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => ConsoleRunner.Run(args),
    };
}
