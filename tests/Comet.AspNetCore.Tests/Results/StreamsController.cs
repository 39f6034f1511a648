using Microsoft.AspNetCore.Mvc;

namespace Comet.AspNetCore.Tests.Results;

[Route("actions"), ApiExplorerSettings(GroupName = "actions")]
public class StreamsController(Feed<string> news) : Controller
{
    [HttpGet("now")]
    public CometResult Now() => CometResults.Feed(news, "parent.f");

    [HttpGet("task")]
    public Task<CometResult> Task() => System.Threading.Tasks.Task.FromResult(Now());

    [HttpGet("value-task"), HttpGet("also")]
    public ValueTask<CometResult> ValueTask() => new(Now());

    [HttpGet("late")]
    public async Task<CometResult> Late(CancellationToken cancellation)
    {
        await System.Threading.Tasks.Task.Delay(EndpointTests.Late, cancellation);
        return Now();
    }

    [HttpGet("text")]
    public string Text() => "text";
}

[Route("api"), ApiController]
public class StreamsApiController(Feed<string> news) : ControllerBase
{
    [HttpGet("now")]
    public CometResult Now() => CometResults.Feed(news, "parent.f");
}
