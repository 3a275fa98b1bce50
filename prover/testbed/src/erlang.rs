//! A broker that is asked in its own language.

use serde_json::Value;

use crate::error::TestbedError;
use crate::node::Node;
use crate::operator::failed;

/// Has the broker evaluate what stands behind it, and prints what comes of it. It is hidden, so that
/// nobody takes it for a node of the cluster, and has a name of its own.
const ASK: &str = r#"exec erl -noinput -hidden -boot start_clean +S 1:1 +sbwt none \
    -sname "prover-$$" -setcookie "$(cat /var/lib/rabbitmq/.erlang.cookie)" -eval '
    io:setopts(standard_io, [{encoding, unicode}]),
    [_, Host] = string:split(atom_to_list(node()), "@"),
    {ok, Tokens, _} = erl_scan:string(hd(init:get_plain_arguments()) ++ "."),
    {ok, Expression} = erl_parse:parse_exprs(Tokens),
    case rpc:call(list_to_atom("rabbit@" ++ Host), erl_eval, exprs, [Expression, []]) of
        {value, Json, _} -> io:format("~ts~n", [unicode:characters_to_list(iolist_to_binary(Json))]);
        {badrpc, nodedown} -> halt(3);
        Other -> io:format("~tp~n", [Other])
    end,
    halt(0).' -extra "$1""#;

impl Node {
    /// What the broker makes of an expression in its own language, as JSON.
    ///
    /// By Erlang itself, which every image has and which starts in half a second; `rabbitmqctl` takes
    /// 2 s, and is asked where the broker has not the usual name or cannot be reached so. Nothing
    /// was evaluated then.
    pub(crate) async fn erlang(&self, expression: &str) -> Result<Value, TestbedError> {
        let json = format!("rabbit_json:encode({expression})");
        let program = format!("io:format(\"~ts~n\", [{json}]).");
        let container = self.container();
        let asked = container.execute(&["sh", "-c", ASK, "sh", &json]).await;
        let printed = match asked {
            Ok(printed) => printed,
            Err(_) => {
                let command = ["rabbitmqctl", "-q", "eval", &program];
                container.execute(&command).await?
            }
        };
        let line = printed.lines().next().unwrap_or_default();
        serde_json::from_str(line).map_err(|_| failed("ask the broker in Erlang", printed))
    }
}
