using System.Runtime.CompilerServices;

namespace Comet.AspNetCore.Testing.Tests;

internal static class TestMachine
{
    // The tests of the kit may change the machine that they run on; those of an app ask first.
    [ModuleInitializer]
    internal static void AllowInstallation() => Environment.SetEnvironmentVariable("COMET_INSTALL_BROWSER", "1");
}
