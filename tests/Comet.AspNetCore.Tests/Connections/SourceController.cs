using Microsoft.AspNetCore.Mvc;

namespace Comet.AspNetCore.Tests.Connections;

[Route("source-tests")]
public class SourceController : Controller
{
    [HttpGet]
    public CometResult Stream() => CometResults.Json(Values(), "parent.f");

    internal static async IAsyncEnumerable<SourceTests.Reading> Values()
    {
        await Task.Yield();
        yield return new(61);
    }
}
